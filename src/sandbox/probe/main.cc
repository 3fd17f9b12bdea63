#include <cstdio>
#include <cstdlib>
#include <string>

#include "lathe/sandbox/probe/attempts.h"
#include "lathe/sandbox/probes.h"

// lathe-probe WORKSPACE OUTSIDE STATE TCP_PORT ABSTRACT_SOCKET PROCESS PROXY_PORT
//
// Runs inside a jail and tries what must not work. One line for each probe: id, "refused" or "done", and how, separated
// by tabs.

int main(int argc, char** argv) {
  using namespace lathe::sandbox;  // NOLINT(google-build-using-namespace)
  if (argc != 8) {
    std::fputs("lathe-probe is started by `lathe sandbox test`\n", stderr);
    return 1;
  }
  const Bait bait{.workspace = argv[1],
                  .outside = argv[2],
                  .state = argv[3],
                  .tcp_port = std::atoi(argv[4]),
                  .abstract_socket = argv[5],
                  .process = std::atoi(argv[6]),
                  .proxy_port = std::atoi(argv[7])};
  for (const Probe& probe : kProbes) {
    std::string detail;
    const char* outcome = refused(probe.id, bait, detail) ? "refused" : "done";
    std::fputs((std::string(probe.id) + "\t" + outcome + "\t" + detail + "\n").c_str(), stdout);
    std::fflush(stdout);
  }
  return 0;
}
