#include "lathe/cli/exit_codes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "lathe/protocol/error_codes.h"
#include "lathe/protocol/task_exit.h"

namespace lathe::cli {

namespace codes = base::codes;
namespace error_codes = protocol::error_codes;

ExitCode exit_code_of(const base::Error& error) {
  // What the person can mend in what they typed or configured.
  static constexpr std::array<std::string_view, 11> kUsageCodes{codes::kInvalid,
                                                                codes::kNotFound,
                                                                codes::kExists,
                                                                codes::kUnsupported,
                                                                codes::kLimit,
                                                                error_codes::kNoBackend,
                                                                error_codes::kNoKey,
                                                                error_codes::kPriceUnknown,
                                                                error_codes::kTrustChanged,
                                                                error_codes::kSettled,
                                                                error_codes::kModelNotFound};
  if (std::ranges::find(kUsageCodes, error.code) != kUsageCodes.end()) return ExitCode::kUsage;
  if (error.code == codes::kTimeout) return ExitCode::kTimedOut;
  if (error.code == codes::kCancelled || error.code == error_codes::kParked) return ExitCode::kStopped;
  return ExitCode::kBroken;
}

ExitCode exit_code_of_task_error(std::string_view code) {
  return static_cast<ExitCode>(protocol::task_exit_code(code));
}

}  // namespace lathe::cli
