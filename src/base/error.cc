#include "lathe/base/error.h"

#include <cerrno>
#include <cstring>

namespace lathe::base {

Error Error::within(std::string_view context) const {
  Error copy = *this;
  copy.message = std::string(context) + ": " + message;
  return copy;
}

Error Error::or_hint(std::string_view next_action) const {
  Error copy = *this;
  if (copy.hint.empty()) copy.hint = next_action;
  return copy;
}

std::string Error::text() const { return hint.empty() ? message : message + " (" + hint + ")"; }

namespace {

const char* code_of(int errno_value) {
  switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
      return codes::kNotFound;
    case EEXIST:
      return codes::kExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return codes::kPermission;
    case ENOSPC:
    case EDQUOT:
      return codes::kNoSpace;
    case EAGAIN:
      return codes::kUnavailable;
    case ETIMEDOUT:
      return codes::kTimeout;
    default:
      return codes::kIo;
  }
}

}  // namespace

Error errno_error(int errno_value, std::string_view context) {
  char buffer[256];
  const char* text = strerror_r(errno_value, buffer, sizeof buffer);
  return Error{.code = code_of(errno_value), .message = std::string(context) + ": " + text};
}

}  // namespace lathe::base
