#pragma once

#include <sys/socket.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz.h"
#include "lathe/base/unique_fd.h"
#include "lathe/runtime/async.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/scope.h"

namespace lathe::fuzz {

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

/// Whether a server tells the same of the bytes behind the first however they are cut. `serve(loop, fd, told)` is the
/// server: an Async<void> that adds what it tells to a vector of strings. `head` comes before, in one piece.
template <class Serve>
void tells_the_same_however_it_is_cut(std::string_view input, std::string_view head, const Serve& serve) {
  static runtime::Loop loop;
  if (input.empty()) return;
  std::vector<std::string> of_whole;
  std::vector<std::string> of_pieces;
  Peer whole(loop);
  whole.start([&](base::UniqueFd socket) { return serve(&loop, std::move(socket), &of_whole); });
  Peer pieces(loop);
  pieces.start([&](base::UniqueFd socket) { return serve(&loop, std::move(socket), &of_pieces); });
  for (Peer* peer : {&whole, &pieces}) {
    if (!head.empty()) peer->send(head);
  }
  whole.send(input.substr(1));
  const auto send = [&pieces](std::string_view piece) {
    // The canary loses a byte where a piece ends with an object.
    if (kCanary && piece.ends_with('}')) piece.remove_suffix(1);
    if (!piece.empty()) pieces.send(piece);
  };
  cut_into_pieces(input, send);
  whole.end();
  pieces.end();
  FUZZ_REQUIRE(of_whole == of_pieces);
}

}  // namespace lathe::fuzz
