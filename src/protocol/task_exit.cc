#include "lathe/protocol/task_exit.h"

#include <algorithm>
#include <array>

#include "lathe/base/error.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::protocol {

int task_exit_code(std::string_view error_code) {
  static constexpr std::array<std::string_view, 2> kUsageCodes{error_codes::kPriceUnknown, error_codes::kModelNotFound};
  static constexpr std::array<std::string_view, 4> kFailedCodes{error_codes::kBudget, error_codes::kLoop,
                                                                error_codes::kOutputSchema, base::codes::kLimit};
  static constexpr std::array<std::string_view, 4> kStoppedCodes{
      error_codes::kApprovalAborted, error_codes::kInterrupted, base::codes::kCancelled, error_codes::kParked};
  if (std::ranges::find(kUsageCodes, error_code) != kUsageCodes.end()) return 1;
  if (std::ranges::find(kFailedCodes, error_code) != kFailedCodes.end()) return 2;
  if (std::ranges::find(kStoppedCodes, error_code) != kStoppedCodes.end()) return 4;
  return 5;
}

}  // namespace lathe::protocol
