#include <string>
#include <vector>

#include "fuzz.h"
#include "lathe/net/ndjson.h"

namespace {

constexpr std::size_t kMaxLineBytes = 64;

struct Told {
  std::vector<std::string> lines;
  bool too_long = false;
  bool operator==(const Told&) const = default;
};

class Listener {
 public:
  void feed(std::string_view piece) { note(parser_.feed(piece, collect_)); }
  Told end() {
    note(parser_.finish(collect_));
    return told_;
  }

 private:
  void note(const lathe::base::Result<void>& result) { told_.too_long = told_.too_long || !result.ok(); }

  lathe::net::NdjsonParser parser_{kMaxLineBytes};
  Told told_;
  lathe::net::OnLine collect_ = [this](std::string_view line) {
    FUZZ_REQUIRE(!line.empty() && line.size() <= kMaxLineBytes);
    FUZZ_REQUIRE(line.find('\n') == std::string_view::npos);
    told_.lines.emplace_back(line);
  };
};

}  // namespace

// Any way of cutting the same bytes gives the same lines, none empty, none longer than the bound.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  Listener whole;
  whole.feed(input.substr(1));
  Listener pieces;
  lathe::fuzz::cut_into_pieces(input, [&](std::string_view piece) {
    // The canary takes a piece that begins with a newline for the end of nothing.
    if (lathe::fuzz::kCanary && piece.starts_with('\n')) piece.remove_prefix(1);
    pieces.feed(piece);
  });
  FUZZ_REQUIRE(whole.end() == pieces.end());
  return 0;
}
