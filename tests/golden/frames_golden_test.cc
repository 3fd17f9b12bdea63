#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "golden_file.h"
#include "lathe/base/strings.h"
#include "lathe/protocol/describe.h"
#include "lathe/protocol/record.h"
#include "samples.h"

namespace lathe::golden {
namespace {

using namespace protocol;

std::string tag_of(const auto& message) {
  return std::visit([]<class M>(const M&) { return std::string(M::kType); }, message);
}
std::string name_of_frame(const ClientFrame& frame) {
  if (const auto* submission = std::get_if<Submission>(&frame)) return "op." + tag_of(submission->op);
  return "call." + tag_of(std::get<CallFrame>(frame).call);
}
std::string name_of_frame(const ServerFrame& frame) {
  if (const auto* event = std::get_if<Event>(&frame)) return "event." + tag_of(event->msg);
  if (const auto* reply = std::get_if<ReplyFrame>(&frame)) return "reply." + tag_of(reply->reply);
  return std::holds_alternative<Ack>(frame) ? "ack" : "error";
}
std::string path_of(const std::string& name) { return "tests/golden/frames/" + name + ".json"; }

/// The file holds exactly the frame's bytes, and its bytes read as exactly the frame.
template <class Frame, class Decode>
void expect_both_ways(const std::vector<Frame>& frames, Decode decode) {
  for (const Frame& frame : frames) {
    const std::string path = path_of(name_of_frame(frame));
    SCOPED_TRACE(path);
    expect_file(path, encode(frame) + "\n");
    const std::string text = read_file(path);
    const auto decoded = decode(base::trim_right(text));
    ASSERT_TRUE(decoded.ok()) << decoded.error().text();
    EXPECT_TRUE(*decoded == frame);
  }
}

TEST(GoldenFrames, Ops) { expect_both_ways(op_samples(), decode_client_frame); }
TEST(GoldenFrames, Calls) { expect_both_ways(call_samples(), decode_client_frame); }
TEST(GoldenFrames, Events) { expect_both_ways(event_samples(), decode_server_frame); }
TEST(GoldenFrames, RepliesAckAndError) { expect_both_ways(answer_samples(), decode_server_frame); }

TEST(GoldenFrames, EveryMemberOfEveryUnionHasOne) {
  const Description& all = describe();
  const auto expect_all = [](const TypeInfo& type, const std::string& kind) {
    for (const TypeInfo* member : type.members) {
      EXPECT_TRUE(file_exists(path_of(kind + "." + std::string(member->tag)))) << kind << " " << member->tag;
    }
  };
  expect_all(*all.op, "op");
  expect_all(*all.event, "event");
  expect_all(*all.call, "call");
  expect_all(*all.reply, "reply");
}

/// Records that an earlier Lathe wrote stay readable. The file is made once per version and never rewritten, not even
/// with ACCEPT=1: a form that cannot be read any more needs an upcaster, not a new file.
TEST(GoldenRecords, VersionOneReadsAsWhatItSaid) {
  const std::string path = "tests/golden/records/v1.ndjson";
  std::vector<Event> durable;
  std::string lines;
  for (const ServerFrame& frame : event_samples()) {
    const Event& event = std::get<Event>(frame);
    if (!event.seq) continue;
    durable.push_back(event);
    lines += encode_event(event) + "\n";
  }
  if (accepting() && !file_exists(path)) expect_file(path, lines);
  const std::string text = read_file(path);
  std::set<std::string> types;
  for (const std::string_view line : base::split_lines(text)) {
    EXPECT_EQ(check_seal(line), SealState::kGood) << line;
    const auto event = decode_record(line);
    ASSERT_TRUE(event.ok()) << event.error().text() << "\n" << line;
    types.insert(tag_of(event->msg));
    EXPECT_EQ(encode_event(*event), line) << "something of it was not read";
  }
  EXPECT_EQ(types.size(), durable.size());
}

}  // namespace
}  // namespace lathe::golden
