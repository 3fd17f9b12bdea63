#include "lathe/protocol/scopes.h"

#include <gtest/gtest.h>

namespace lathe::protocol {
namespace {

ClientFrame op(Op op) { return Submission{.id = "1", .session = "", .op = std::move(op)}; }
ClientFrame call(Call call) { return CallFrame{.id = "1", .call = std::move(call)}; }

TEST(Scopes, AreReadAndWrittenAsNames) {
  EXPECT_EQ(Scopes::parse("prompt, read")->text(), "read,prompt");
  EXPECT_EQ(Scopes::parse("admin")->text(), "admin");
  for (const char* wrong : {"", "Read", "read,write", "read,,prompt"}) {
    EXPECT_FALSE(Scopes::parse(wrong).ok()) << wrong;
  }
}

TEST(Scopes, EachHoldsItselfOnlyAndAdminAll) {
  EXPECT_FALSE(Scopes{Scope::kPrompt}.hold(Scope::kRead));
  EXPECT_FALSE(Scopes{Scope::kApprove}.hold(Scope::kAdmin));
  EXPECT_TRUE(Scopes::all().hold(Scope::kApprove));
  EXPECT_FALSE(Scopes().hold(Scope::kRead));
}

TEST(Scopes, AreAskedOfWhatIsSubmitted) {
  const Scopes reads{Scope::kRead};
  const Scopes prompts{Scope::kPrompt};
  EXPECT_TRUE(check_scopes(reads, call(SessionList{})).ok());
  EXPECT_FALSE(check_scopes(reads, op(UserInput{})).ok());
  EXPECT_TRUE(check_scopes(prompts, op(UserInput{})).ok());
  EXPECT_FALSE(check_scopes(prompts, op(Approval{})).ok());
  EXPECT_FALSE(check_scopes(Scopes{Scope::kApprove, Scope::kPrompt, Scope::kRead}, call(SessionRemove{})).ok());
  EXPECT_TRUE(check_scopes(Scopes::all(), call(SessionRemove{})).ok());
}

TEST(Scopes, KeysAndEnvironmentAreLentByWhoMayDoAll) {
  const Hello lends{.client = "t", .environment = {"OPENAI_BASE_URL=http://elsewhere.example"}};
  EXPECT_TRUE(check_scopes({}, call(Hello{.client = "t"})).ok());
  EXPECT_FALSE(check_scopes(Scopes{Scope::kRead, Scope::kPrompt, Scope::kApprove}, call(lends)).ok());
  EXPECT_TRUE(check_scopes(Scopes::all(), call(lends)).ok());
}

TEST(Scopes, WhoMayNotAnswerQuestionsDoesNotChooseThatNoneAreAsked) {
  const Scopes prompts{Scope::kPrompt};
  EXPECT_TRUE(check_scopes(prompts, op(ConfigureSession{.cwd = "/tmp"})).ok());
  for (const auto& loosened :
       {ConfigureSession{.approval_policy = ApprovalPolicy::kNever},
        ConfigureSession{.sandbox_mode = SandboxMode::kFullAccess}, ConfigureSession{.network = NetworkMode::kOpen},
        ConfigureSession{.allow_hosts = std::vector<std::string>{"example.org"}}}) {
    const auto checked = check_scopes(prompts, op(loosened));
    ASSERT_FALSE(checked.ok());
    EXPECT_NE(checked.error().message.find("approve"), std::string::npos) << checked.error().message;
    EXPECT_TRUE(check_scopes(Scopes{Scope::kPrompt, Scope::kApprove}, op(loosened)).ok());
  }
}

}  // namespace
}  // namespace lathe::protocol
