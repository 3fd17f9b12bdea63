#include "lathe/protocol/edit_strings.h"

#include <gtest/gtest.h>

namespace lathe::protocol {
namespace {

TEST(EditStrings, ReachesEveryTextWhereverItStands) {
  EventMsg msg = UserMessage{.item = "a", .content = {TextPart{"b"}, ImagePart{.image_url = "c"}}};
  std::string seen;
  edit_strings(msg, [&](std::string& text) { seen += text; });
  EXPECT_EQ(seen, "abc");

  EventMsg resolved =
      ApprovalResolved{.id = "1", .call_id = "2", .by = "3", .note = "4", .amended_input = base::Json{{"k", {"5", 6}}}};
  edit_strings(resolved, [](std::string& text) { text += "!"; });
  EXPECT_EQ(std::get<ApprovalResolved>(resolved).note, "4!");
  EXPECT_EQ(*std::get<ApprovalResolved>(resolved).amended_input, (base::Json{{"k", {"5!", 6}}}));
}

}  // namespace
}  // namespace lathe::protocol
