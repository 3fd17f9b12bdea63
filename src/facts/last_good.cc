#include "lathe/facts/last_good.h"

namespace lathe::facts {

void LastGood::remember(const std::string& file, const std::string& text) {
  const std::lock_guard lock(mutex_);
  const auto known = texts_.find(file);
  if (known != texts_.end() && known->second == text) return;
  forget_locked(file);
  if (bytes_ + text.size() > most_bytes_) return;
  texts_.emplace(file, text);
  bytes_ += text.size();
}

void LastGood::forget(const std::string& file) {
  const std::lock_guard lock(mutex_);
  forget_locked(file);
}

void LastGood::forget_locked(const std::string& file) {
  const auto known = texts_.find(file);
  if (known == texts_.end()) return;
  bytes_ -= known->second.size();
  texts_.erase(known);
}

std::optional<std::string> LastGood::text_of(const std::string& file) const {
  const std::lock_guard lock(mutex_);
  const auto known = texts_.find(file);
  return known == texts_.end() ? std::nullopt : std::optional(known->second);
}

}  // namespace lathe::facts
