#include "lathe/tools/skills/skill_tool.h"

#include <gtest/gtest.h>

#include "lathe/fakes/fake_catalog.h"
#include "lathe/fakes/text_sink.h"
#include "lathe/runtime/loop.h"

namespace lathe::tools::skills {
namespace {

using Sink = fakes::TextSink;

class SkillToolTest : public testing::Test {
 protected:
  std::string run(std::string arguments) {
    const auto tool = std::move(make_skill_tools(catalog_)[0]);
    const ports::ToolEnvironment environment{.cwd = "/repo", .session_id = "s"};
    const auto call = loop_.block_on(
        tool->prepare({.call_id = "c", .tool = "read_skill", .arguments = std::move(arguments)}, environment));
    if (!call.ok()) return call.error().text();
    Sink out;
    const auto result = loop_.block_on((*call)->run(out, {}));
    return result.ok() ? out.text : result.error().text();
  }

  runtime::Loop loop_;
  fakes::FakeCatalog catalog_;
};

TEST_F(SkillToolTest, GivesTheTextAndNamesTheFilesBesideIt) {
  catalog_.add_skill("pdf", "Reads PDFs.", "# PDF\nUse pdftotext.");
  catalog_.skills["pdf"].files = {"forms.md"};
  const std::string expected =
      "Skill pdf, from /skills/pdf\n\n# PDF\nUse pdftotext.\n\nFiles of this skill, to be read when it says so:\n"
      "/skills/pdf/forms.md\n";
  EXPECT_EQ(run(R"({"name":"pdf"})"), expected);
  EXPECT_EQ(run(R"({"name":"$pdf"})"), expected);
}

TEST_F(SkillToolTest, SaysWhatIsNotThere) {
  EXPECT_EQ(run(R"({"name":"nope"})"), "there is no skill \"nope\"");
  EXPECT_EQ(run(R"({"name":"$"})"), "read_skill: name is empty");
}

}  // namespace
}  // namespace lathe::tools::skills
