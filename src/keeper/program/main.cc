#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "lathe/keeper/program/groups.h"
#include "lathe/keeper/program/keeper.h"
#include "lathe/keeper/program/once.h"
#include "lathe/keeper/protocol.h"

// lathe-keeper: starts the commands of one session and ends their trees. It is started by Lathe with a socket as
// descriptor 3, which is its only client or listens for them; see protocol.h. Small and static, so that it is there
// within a millisecond.

namespace {

int socket_option(int option, int otherwise) {
  int value = 0;
  socklen_t size = sizeof value;
  const int failed = getsockopt(lathe::keeper::protocol::kSocketFd, SOL_SOCKET, option, &value, &size);
  return failed == 0 ? value : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  using lathe::keeper::Keeper;
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): a literal
    std::printf("lathe-keeper, protocol %s\n", lathe::keeper::protocol::kVersion.data());
    return 0;
  }
  constexpr int kAsWords = 5;
  if (argc >= kAsWords && std::string_view(argv[1]) == "as") return lathe::keeper::run_with_groups(argv + 2);
  constexpr int kOnceWords = 7;
  if (argc >= kOnceWords && std::string_view(argv[1]) == "once") {
    const lathe::keeper::OnceOptions options{.port = static_cast<unsigned short>(std::strtoul(argv[2], nullptr, 10)),
                                             .free_bytes = std::strtoull(argv[3], nullptr, 10),
                                             .groups = static_cast<unsigned>(std::strtoul(argv[4], nullptr, 10)),
                                             .cwd = argv[5]};
    return lathe::keeper::run_once(options, argv + kOnceWords - 1);
  }
  if (argc != 1 || socket_option(SO_TYPE, 0) != SOCK_SEQPACKET) {
    std::fputs("lathe-keeper runs the commands of a Lathe session; lathe starts it when it needs it.\n", stderr);
    return 1;
  }
  const bool listens = socket_option(SO_ACCEPTCONN, 0) != 0;
  Keeper(lathe::keeper::protocol::kSocketFd, listens ? Keeper::Socket::kListening : Keeper::Socket::kConnected).run();
  return 0;
}
