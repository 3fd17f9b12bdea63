#pragma once

#include <sys/socket.h>

#include <array>
#include <string_view>
#include <utility>

#include "fuzz.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/scope.h"

namespace lathe::fuzz {

/// Each piece costs a turn of the loop, so they are not as small as those of a parser alone.
constexpr std::size_t kPieceBytes = 64;

/// The client of a server that reads from a socket. Kept by none: whatever the server answers is left unread.
class Peer final {
 public:
  explicit Peer(runtime::Loop& loop) : loop_(loop), serving_(loop) {
    std::array<int, 2> ends{};
    FUZZ_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    ours_.reset(ends[0]);
    theirs_.reset(ends[1]);
  }
  /// `serve(fd)` is the server: an Async<void>.
  template <class Serve>
  void start(const Serve& serve) {
    serving_.spawn(serve(std::move(theirs_)));
  }
  /// The server gets a look at it. It may have hung up.
  void send(std::string_view bytes) {
    (void)::send(ours_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    loop_.block_on(loop_.yield());
  }
  /// Nothing more comes; returns when the server is done.
  void end() {
    (void)::shutdown(ours_.get(), SHUT_WR);
    loop_.block_on(serving_.join());
  }

 private:
  runtime::Loop& loop_;
  base::UniqueFd ours_;
  base::UniqueFd theirs_;
  runtime::Scope serving_;
};

}  // namespace lathe::fuzz
