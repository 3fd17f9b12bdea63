#include "lathe/gateways/http/agentruntime_marks.h"

#include <algorithm>
#include <cstddef>

namespace lathe::gateways::http {

namespace {

constexpr std::size_t kMaxSessions = 256;
constexpr std::size_t kMaxMarks = 32;
constexpr std::int64_t kSpacingBytes = 64 << 10;

}  // namespace

AgentruntimeMarks::Mark AgentruntimeMarks::before(const std::string& session, std::int64_t byte) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return {};
  found->second.used = ++uses_;
  const std::vector<Mark>& marks = found->second.marks;
  const auto behind =
      std::ranges::upper_bound(marks, byte, {}, [](const Mark& mark) -> std::int64_t { return mark.log.size(); });
  return behind == marks.begin() ? Mark() : *std::prev(behind);
}

void AgentruntimeMarks::keep(const std::string& session, const AgentruntimeLog& log, std::int64_t seq) {
  if (!sessions_.contains(session) && sessions_.size() >= kMaxSessions) forget_one();
  Session& known = sessions_[session];
  known.used = ++uses_;
  known.spacing = std::max(known.spacing, kSpacingBytes);
  std::vector<Mark>& marks = known.marks;
  if (!marks.empty() && marks.back().seq >= seq) return;
  // The last one stands at the end, and goes on with it until it is far enough from the one before.
  const std::int64_t start = marks.size() < 2 ? 0 : marks[marks.size() - 2].log.size();
  if (!marks.empty() && marks.back().log.size() - start < known.spacing) marks.pop_back();
  marks.push_back({.log = log, .seq = seq});
  if (marks.size() <= kMaxMarks) return;
  for (std::size_t at = 0; at + 1 < marks.size(); ++at) marks.erase(marks.begin() + static_cast<std::ptrdiff_t>(at));
  known.spacing *= 2;
}

void AgentruntimeMarks::forget_one() {
  sessions_.erase(std::ranges::min_element(sessions_, {}, [](const auto& known) { return known.second.used; }));
}

}  // namespace lathe::gateways::http
