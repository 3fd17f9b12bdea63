#include "lathe/engine/expiries.h"

#include <algorithm>

namespace lathe::engine {

using runtime::Deadline;

Deadline Expiries::of(const std::string& question, std::optional<base::UnixMillis> expires_at) {
  if (!expires_at) return Deadline::never();
  const base::Millis left(std::max<base::UnixMillis>(*expires_at - clock_.unix_now(), 0));
  return ends_.try_emplace(question, Deadline::after(clock_, left)).first->second;
}

void Expiries::forget_unless(const std::function<bool(const std::string& question)>& is_open) {
  std::erase_if(ends_, [&](const auto& end) { return !is_open(end.first); });
}

}  // namespace lathe::engine
