#include <string>
#include <vector>

#include "fuzz.h"
#include "lathe/gateways/sqeq/line_framer.h"
#include "lathe/protocol/frames.h"

namespace {

using lathe::gateways::sqeq::LineFramer;

constexpr std::size_t kMaxLineBytes = 512;
/// Stands for a line that was too long: no line has a newline in it.
constexpr const char* kTooLong = "\n";

/// A frame that was understood means the same when it is written and read again.
void check_frame(std::string_view line) {
  const auto frame = lathe::protocol::decode_client_frame(line);
  if (!frame.ok()) {
    (void)lathe::protocol::frame_id(line);
    return;
  }
  const std::string text = lathe::protocol::encode(*frame);
  const auto again = lathe::protocol::decode_client_frame(text);
  FUZZ_REQUIRE(again.ok() && lathe::protocol::encode(*again) == text);
}

class Client {
 public:
  void send(std::string_view piece) {
    framer_.feed(piece, collect_,
                 [this](std::string_view, const lathe::base::Error&) { told_.emplace_back(kTooLong); });
  }
  const std::vector<std::string>& end() {
    framer_.finish(collect_);
    return told_;
  }

 private:
  LineFramer framer_{kMaxLineBytes};
  std::vector<std::string> told_;
  LineFramer::OnLine collect_ = [this](std::string_view line) {
    FUZZ_REQUIRE(!line.empty() && line.size() <= kMaxLineBytes);
    FUZZ_REQUIRE(line.find('\n') == std::string_view::npos);
    told_.emplace_back(line);
  };
};

}  // namespace

// What a client sends: any way of cutting the same bytes gives the same lines, and no line does harm.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  Client whole;
  whole.send(input.substr(1));
  Client pieces;
  lathe::fuzz::cut_into_pieces(input, [&](std::string_view piece) {
    // The canary loses a byte where a piece ends with an object.
    if (lathe::fuzz::kCanary && piece.ends_with('}')) piece.remove_suffix(1);
    pieces.send(piece);
  });
  const std::vector<std::string>& lines = whole.end();
  FUZZ_REQUIRE(lines == pieces.end());
  for (const std::string& line : lines) check_frame(line);
  return 0;
}
