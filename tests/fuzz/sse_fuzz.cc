#include <string>
#include <tuple>
#include <vector>

#include "fuzz.h"
#include "lathe/net/sse.h"

namespace {

using lathe::net::SseEvent;
using lathe::net::SseParser;

constexpr std::size_t kMaxEventBytes = 256;

/// Everything a parser tells about a body.
struct Told {
  std::vector<std::tuple<std::string, std::string, std::string>> events;
  SseParser::Kind kind = SseParser::Kind::kUnknown;
  bool too_large = false;
  bool operator==(const Told&) const = default;
};

class Listener {
 public:
  void feed(std::string_view piece) { note(parser_.feed(piece, collect_)); }
  Told end() {
    note(parser_.finish(collect_));
    told_.kind = parser_.kind();
    return told_;
  }
  [[nodiscard]] std::string opening() const { return parser_.foreign_excerpt(); }

 private:
  void note(const lathe::base::Result<void>& result) { told_.too_large = told_.too_large || !result.ok(); }

  SseParser parser_{kMaxEventBytes};
  Told told_;
  lathe::net::OnSseEvent collect_ = [this](const SseEvent& event) {
    FUZZ_REQUIRE(event.data.size() + event.event.size() + event.id.size() <= kMaxEventBytes);
    told_.events.emplace_back(event.event, event.data, event.id);
  };
};

}  // namespace

// Any way of cutting the same bytes gives the same events, and no event is larger than the bound.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  Listener whole;
  whole.feed(input.substr(1));
  Listener pieces;
  lathe::fuzz::cut_into_pieces(input, [&](std::string_view piece) {
    // The canary forgets that CRLF may be cut in its middle.
    if (lathe::fuzz::kCanary && piece.ends_with('\r')) piece.remove_suffix(1);
    pieces.feed(piece);
  });
  FUZZ_REQUIRE(whole.end() == pieces.end());
  FUZZ_REQUIRE(lathe::fuzz::kCanary || input.substr(1).starts_with(whole.opening()));
  return 0;
}
