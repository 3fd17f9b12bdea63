#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "lathe/keeper/program/keeper.h"
#include "lathe/keeper/protocol.h"

// lathe-keeper: starts the commands of one session and ends their trees. It is started by Lathe with a socket as
// descriptor 3 and goes when that closes; see protocol.h. Small and static, so that it is there within a millisecond.

int main(int argc, char** argv) {
  int type = 0;
  socklen_t size = sizeof type;
  const bool socket_there =
      getsockopt(lathe::keeper::protocol::kSocketFd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): a literal
    std::printf("lathe-keeper, protocol %s\n", lathe::keeper::protocol::kVersion.data());
    return 0;
  }
  if (argc != 1 || !socket_there) {
    std::fputs("lathe-keeper runs the commands of a Lathe session; lathe starts it when it needs it.\n", stderr);
    return 1;
  }
  lathe::keeper::Keeper(lathe::keeper::protocol::kSocketFd).run();
  return 0;
}
