#include "lathe/keeper/program/run_stdio.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "lathe/keeper/program/terminal.h"

namespace lathe::keeper {
namespace {

bool make_pipes(RunSetup& setup) {
  int pair[2];
  if (pipe2(pair, O_CLOEXEC) != 0) return false;
  setup.sources[0] = pair[0];
  setup.out = setup.err = pair[1];
  if (setup.policy == Spool::Policy::kHold) {
    if (pipe2(pair, O_CLOEXEC) != 0) return false;
    setup.sources[1] = pair[0];
    setup.err = pair[1];
  }
  for (const int source : setup.sources) {
    if (source >= 0) fcntl(source, F_SETFL, O_NONBLOCK);
  }
  return true;
}

}  // namespace

void close_fd(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

void close_far_ends(RunSetup& setup) {
  if (setup.out == setup.in) setup.out = -1;
  if (setup.err == setup.in || setup.err == setup.out) setup.err = -1;
  close_fd(setup.in);
  close_fd(setup.out);
  close_fd(setup.err);
  close_fd(setup.spec);
  for (int& group : setup.groups) close_fd(group);
}

bool make_stdio(Message& message, RunSetup& setup, int& input_end) {
  const std::string& input = message.words[5];
  if (input == "terminal") {
    unsigned long long columns = 0;
    unsigned long long rows = 0;
    (void)(parse_number(message.words[7], columns) && parse_number(message.words[8], rows));
    const Terminal terminal = open_terminal(static_cast<unsigned short>(columns), static_cast<unsigned short>(rows));
    if (terminal.near_end < 0) return false;
    input_end = terminal.near_end;
    setup.sources[0] = fcntl(terminal.near_end, F_DUPFD_CLOEXEC, 3);
    setup.in = setup.out = setup.err = terminal.far_end;
    setup.terminal = true;
    return setup.sources[0] >= 0;
  }
  if (input == "file") {
    setup.in = std::exchange(message.fds[2], -1);
  } else {
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) != 0) return false;
    setup.in = pair[0];
    input_end = pair[1];
  }
  return make_pipes(setup);
}

void take_leftovers(const RunSetup& setup, const std::uint64_t (&seen)[protocol::kStreams],
                    std::uint64_t (&totals)[protocol::kStreams]) {
  Spool spool(setup.spool, setup.policy);
  spool.go_on();
  spool.seen(seen);
  spool.use_reserve();
  for (int stream = 0; stream < protocol::kStreams; ++stream) {
    static char buffer[16U << 10];
    ssize_t got = 1;
    while (setup.sources[stream] >= 0 && spool.room(stream) > 0 && got > 0) {
      got = read(setup.sources[stream], buffer, std::min(sizeof buffer, spool.room(stream)));
      if (got > 0) spool.write(stream, {buffer, static_cast<std::size_t>(got)});
    }
    totals[stream] = spool.total(stream);
  }
}

}  // namespace lathe::keeper
