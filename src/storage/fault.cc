#include "lathe/storage/fault.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <iterator>
#include <optional>
#include <utility>

#include "lathe/base/unique_fd.h"

namespace lathe::storage {

using base::Error;
using base::Result;

namespace {

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Error bad_plan(std::string_view text) {
  return {.code = base::codes::kInvalid,
          .message = fmt::format("\"{}\" is no fault", text),
          .hint = "kill-before@N, kill-after@N, tear@N:BYTES, short@N:BYTES, enospc@N, eio@N or log:FILE"};
}

[[noreturn]] void kill_this_process() {
  ::kill(::getpid(), SIGKILL);
  while (true) ::pause();
}

}  // namespace

Result<std::unique_ptr<FaultPlan>> FaultPlan::parse(std::string_view text) {
  static constexpr std::pair<std::string_view, Kind> kKinds[] = {{"kill-before", Kind::kKillBefore},
                                                                 {"kill-after", Kind::kKillAfter},
                                                                 {"tear", Kind::kTear},
                                                                 {"short", Kind::kShort},
                                                                 {"enospc", Kind::kNoSpace},
                                                                 {"eio", Kind::kIo}};
  std::unique_ptr<FaultPlan> plan(new FaultPlan);
  if (text.starts_with("log:")) {
    plan->log_path_ = text.substr(4);
    if (plan->log_path_.empty()) return bad_plan(text);
    return plan;
  }
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return bad_plan(text);
  const std::string_view name = text.substr(0, at);
  std::string_view place = text.substr(at + 1);
  const auto* kind =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& entry) { return entry.first == name; });
  if (kind == std::end(kKinds)) return bad_plan(text);
  plan->kind_ = kind->second;

  const bool takes_bytes = plan->kind_ == Kind::kTear || plan->kind_ == Kind::kShort;
  const std::size_t colon = place.find(':');
  if (takes_bytes != (colon != std::string_view::npos)) return bad_plan(text);
  if (takes_bytes) {
    const auto bytes = number<std::size_t>(place.substr(colon + 1));
    if (!bytes) return bad_plan(text);
    plan->bytes_ = *bytes;
    place = place.substr(0, colon);
  }
  if (place.ends_with('+')) {
    plan->lasting_ = true;
    place.remove_suffix(1);
  }
  const auto index = number<std::uint64_t>(place);
  if (!index || *index == 0) return bad_plan(text);
  plan->at_ = *index;
  return plan;
}

Fault FaultPlan::before(std::string_view operation, std::size_t bytes) {
  const std::uint64_t index = ++count_;
  if (!log_path_.empty()) {
    const base::UniqueFd log(::open(log_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    const std::string line = fmt::format("{} {} {}\n", index, operation, bytes);
    if (!log || ::write(log.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) kill_this_process();
  }
  if (lasting_ ? index < at_ : index != at_) return {};
  switch (kind_) {
    case Kind::kLog:
      return {};
    case Kind::kKillBefore:
      kill_this_process();
    case Kind::kKillAfter:
      kill_in_after_ = true;
      return {};
    case Kind::kTear:
      kill_in_after_ = true;
      return {.error = EIO, .written = bytes_};
    case Kind::kShort:
      return {.error = ENOSPC, .written = bytes_};
    case Kind::kNoSpace:
      return {.error = ENOSPC};
    case Kind::kIo:
      return {.error = EIO};
  }
  return {};
}

void FaultPlan::after(std::string_view) {
  if (kill_in_after_) kill_this_process();
}

}  // namespace lathe::storage
