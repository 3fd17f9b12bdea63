#include "lathe/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace lathe::base {

void check_failed(std::string_view expression, std::string_view detail, std::source_location where) {
  std::fprintf(stderr, "lathe: bug: %.*s%s%.*s at %s:%u (%s)\n", static_cast<int>(expression.size()), expression.data(),
               detail.empty() ? "" : ": ", static_cast<int>(detail.size()), detail.data(), where.file_name(),
               where.line(), where.function_name());
  std::abort();
}

void check_request_failed(std::string_view expression, std::source_location where) {
  throw RequestBug(std::string(expression) + " at " + where.file_name() + ":" + std::to_string(where.line()));
}

}  // namespace lathe::base
