#include "lathe/cli/exit_codes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "lathe/protocol/error_codes.h"

namespace lathe::cli {

namespace codes = base::codes;
namespace error_codes = protocol::error_codes;

ExitCode exit_code_of(const base::Error& error) {
  // What the person can mend in what they typed or configured.
  static constexpr std::array<std::string_view, 10> kUsageCodes{codes::kInvalid,
                                                                codes::kNotFound,
                                                                codes::kExists,
                                                                codes::kUnsupported,
                                                                codes::kLimit,
                                                                error_codes::kNoBackend,
                                                                error_codes::kNoKey,
                                                                error_codes::kPriceUnknown,
                                                                error_codes::kTrustChanged,
                                                                error_codes::kModelNotFound};
  if (std::ranges::find(kUsageCodes, error.code) != kUsageCodes.end()) return ExitCode::kUsage;
  if (error.code == codes::kTimeout) return ExitCode::kTimedOut;
  if (error.code == codes::kCancelled || error.code == error_codes::kParked) return ExitCode::kStopped;
  return ExitCode::kBroken;
}

ExitCode exit_code_of_task_error(std::string_view code) {
  static constexpr std::array<std::string_view, 4> kFailedCodes{error_codes::kBudget, error_codes::kLoop,
                                                                error_codes::kOutputSchema, codes::kLimit};
  static constexpr std::array<std::string_view, 4> kStoppedCodes{
      error_codes::kApprovalAborted, error_codes::kInterrupted, codes::kCancelled, error_codes::kParked};
  if (code == error_codes::kPriceUnknown || code == error_codes::kModelNotFound) return ExitCode::kUsage;
  if (std::ranges::find(kFailedCodes, code) != kFailedCodes.end()) return ExitCode::kTaskFailed;
  if (std::ranges::find(kStoppedCodes, code) != kStoppedCodes.end()) return ExitCode::kStopped;
  return ExitCode::kBroken;
}

}  // namespace lathe::cli
