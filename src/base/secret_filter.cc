#include "lathe/base/secret_filter.h"

#include <algorithm>
#include <utility>

#include "lathe/base/strings.h"

namespace lathe::base {

std::string cut_secrets(std::string text, std::span<const std::string> secrets) {
  for (const std::string& secret : secrets) {
    if (secret.empty() || text.find(secret) == std::string::npos) continue;
    text = replace_all(std::move(text), secret, kSecretMark);
  }
  return text;
}

bool holds_secret(std::string_view text, std::span<const std::string> secrets) {
  return std::ranges::any_of(secrets, [&](const std::string& secret) {
    return !secret.empty() && text.find(secret) != std::string_view::npos;
  });
}

std::string SecretFilter::take(std::string_view bytes) {
  if (secrets_.empty()) return std::string(bytes);
  waiting_ = cut_secrets(std::exchange(waiting_, {}) + std::string(bytes), secrets_);
  const std::size_t held = held_back();
  std::string out = waiting_.substr(0, waiting_.size() - held);
  waiting_.erase(0, out.size());
  return out;
}

std::string SecretFilter::finish() { return std::exchange(waiting_, {}); }

std::size_t SecretFilter::held_back() const {
  std::size_t held = 0;
  for (const std::string& secret : secrets_) {
    for (std::size_t length = std::min(waiting_.size(), secret.size() - std::min<std::size_t>(secret.size(), 1));
         length > held; --length) {
      if (waiting_.ends_with(std::string_view(secret).substr(0, length))) held = length;
    }
  }
  return held;
}

}  // namespace lathe::base
