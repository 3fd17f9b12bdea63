#pragma once

#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lathe::base {

/// Thrown by CHECK_REQUEST: a bug met while serving one request. Caught at the edge of a task or request only.
class RequestBug final : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Prints what broke and where, then aborts.
[[noreturn]] void check_failed(std::string_view expression, std::string_view detail,
                               std::source_location where = std::source_location::current());
/// Throws RequestBug.
[[noreturn]] void check_request_failed(std::string_view expression,
                                       std::source_location where = std::source_location::current());

}  // namespace lathe::base

/// Three grades, never for input from outside: CHECK aborts, CHECK_REQUEST fails this request, ASSUME is for debugging.
#define CHECK(condition)                           \
  do {                                             \
    if (!(condition)) [[unlikely]]                 \
      ::lathe::base::check_failed(#condition, ""); \
  } while (false)
#define CHECK_REQUEST(condition)                       \
  do {                                                 \
    if (!(condition)) [[unlikely]]                     \
      ::lathe::base::check_request_failed(#condition); \
  } while (false)
#ifdef NDEBUG
#define ASSUME(condition) \
  do {                    \
  } while (false)
#else
#define ASSUME(condition) CHECK(condition)
#endif
