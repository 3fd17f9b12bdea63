#include "lathe/protocol/frames.h"

#include <gtest/gtest.h>

#include "lathe/protocol/error_codes.h"

namespace lathe::protocol {
namespace {

TEST(Frames, SubmissionRoundTrips) {
  const ClientFrame frame =
      Submission{.id = "1", .session = "s", .op = UserInput{.items = {TextPart{"hi"}}, .if_busy = IfBusy::kSteer}};
  const std::string line = encode(frame);
  EXPECT_EQ(
      line,
      R"({"id":"1","session":"s","op":{"type":"user_input","items":[{"type":"text","text":"hi"}],"if_busy":"steer"}})");
  EXPECT_EQ(*decode_client_frame(line), frame);
}

TEST(Frames, DurableEventsAreSealedAndPassingOnesAreNot) {
  const Event durable{.session = "s", .seq = 3, .id = "1", .by = "c/1", .ts = 5, .msg = AgentMessage{"i", "x\ny"}};
  const std::string line = encode_event(durable);
  EXPECT_EQ(
      line.substr(0, line.size() - 18),
      R"({"v":1,"session":"s","seq":3,"id":"1","by":"c/1","ts":5,"msg":{"type":"agent_message","item":"i","text":"x\ny"})");
  EXPECT_EQ(check_seal(line), SealState::kGood);
  EXPECT_EQ(*decode_event(line), durable);
  std::string broken = line;
  broken[30] ^= 1;
  EXPECT_EQ(check_seal(broken), SealState::kBroken);

  const Event passing{.session = "s", .seq = std::nullopt, .id = "1", .by = "", .ts = 5, .msg = ItemReset{"i"}};
  EXPECT_EQ(check_seal(encode_event(passing)), SealState::kMissing);
  EXPECT_EQ(*decode_event(encode_event(passing)), passing);
}

TEST(Frames, ServerFramesRoundTrip) {
  const ServerFrame frames[] = {
      Ack{.id = "1", .seq = 9, .session = "s"},
      ReplyFrame{.id = "2", .reply = SessionForkReply{.session = "x"}},
      ErrorFrame{.id = "3", .error = {.code = "locked", .message = "m", .hint = "h", .retryable = true}},
  };
  for (const ServerFrame& frame : frames) EXPECT_EQ(*decode_server_frame(encode(frame)), frame);
}

TEST(Frames, BadInputSaysWhatAndWhere) {
  const auto error_of = [](std::string_view line) { return decode_client_frame(line).error(); };
  EXPECT_EQ(error_of(R"({"id":"1","op":{"type":"user_inptu"}})").code, error_codes::kUnknownOp);
  EXPECT_EQ(error_of(R"({"id":"1","op":{"type":"user_inptu"}})").hint, "did you mean \"user_input\"?");
  EXPECT_EQ(error_of(R"({"id":"1","call":{"type":"sesion_list"}})").hint, "did you mean \"session_list\"?");
  EXPECT_EQ(error_of(R"({"id":"1","op":{"type":"user_input","items":[{"type":"text","text":7}]}})").message,
            "op.items[0].text: expected a string, not a number");
  EXPECT_EQ(error_of(R"({"id":"1","op":{"type":"user_input"}})").message, "op.items is missing");
  EXPECT_EQ(error_of(R"({"id":7,"op":{}})").code, base::codes::kInvalid);
  const auto both = error_of(R"({"id":"1","call":{"type":"session_list"},"op":{"type":"interrupt"}})");
  EXPECT_EQ(both.code, base::codes::kInvalid);
  EXPECT_EQ(both.message, "a frame has either \"op\" or \"call\", and this one has both");
  EXPECT_EQ(error_of("[]").code, base::codes::kInvalid);
  EXPECT_EQ(error_of("{").code, base::codes::kInvalid);
}

TEST(Frames, UnknownFieldsAreIgnoredAndAliasesRead) {
  const auto frame =
      decode_client_frame(R"({"id":"1","new":1,"op":{"type":"exec_approval","id":"a","decision":"Allow","x":2}})");
  ASSERT_TRUE(frame.ok()) << frame.error().message;
  EXPECT_EQ(std::get<ExecApproval>(std::get<Submission>(*frame).op).decision, Decision::kApproved);
}

TEST(Frames, AnOptionalFieldIsLeftOutOnlyWhenItHasTheDefaultOfItsStruct) {
  const ClientFrame approved = CallFrame{.id = "1", .call = ApprovalAnswer{.id = "q", .decision = Decision::kApproved}};
  EXPECT_EQ(encode(approved),
            R"({"id":"1","call":{"type":"approval_answer","id":"q","decision":"approved","resume":true}})");
  EXPECT_EQ(*decode_client_frame(encode(approved)), approved);
  const ClientFrame denied = CallFrame{.id = "1", .call = ApprovalAnswer{.id = "q", .decision = Decision::kDenied}};
  EXPECT_EQ(*decode_client_frame(encode(denied)), denied);
  const ClientFrame none = CallFrame{.id = "1", .call = SessionSearch{.query = "x", .limit = 0}};
  EXPECT_EQ(*decode_client_frame(encode(none)), none);
}

TEST(ErrorCodes, AreUnique) {
  for (std::size_t i = 0; i < kErrorCodes.size(); ++i) {
    EXPECT_FALSE(kErrorCodes[i].code.empty());
    for (std::size_t j = i + 1; j < kErrorCodes.size(); ++j) EXPECT_NE(kErrorCodes[i].code, kErrorCodes[j].code);
  }
}

}  // namespace
}  // namespace lathe::protocol
