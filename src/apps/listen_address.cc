#include "lathe/apps/listen_address.h"

#include <fmt/format.h>

namespace lathe::apps {

base::Result<runtime::TcpAddress> listen_address(const std::string& text) {
  TRY(runtime::TcpAddress address, runtime::TcpAddress::parse(text));
  if (address.is_loopback()) return address;
  return base::Error{
      .code = base::codes::kUnsupported,
      .message = fmt::format("{} is reached from other machines, and what is said there is not encrypted", text),
      .hint = "an address of this machine, such as 127.0.0.1:8090; from others through an SSH tunnel"};
}

}  // namespace lathe::apps
