#include "lathe/tools/common/policed_tool.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "lathe/base/json.h"
#include "lathe/fakes/text_sink.h"
#include "lathe/runtime/loop.h"
#include "lathe/tools/common/prepared_job.h"

// A tool of any kind with policies around it. What the tool itself would do is told by its Action and its output.

namespace lathe::tools::common {
namespace {

using Sink = fakes::TextSink;

struct SayJob {
  std::string text;
  runtime::Async<base::Result<ports::RunResult>> run(ports::OutputSink& out, runtime::CancelToken) {
    co_return said(out, text);
  }
};

/// Says `output`; a shell runs its `command`, a patch changes `changes`.
struct PlainTool final : ports::Tool {
  ports::ToolSpec spec_;
  std::string output;
  std::vector<protocol::FileChange> changes;
  [[nodiscard]] const ports::ToolSpec& spec() const override { return spec_; }
  [[nodiscard]] bool read_only() const override { return true; }
  runtime::Async<base::Result<std::unique_ptr<ports::PreparedCall>>> prepare(
      const protocol::ToolCall& call, const ports::ToolEnvironment& environment) override {
    ports::Action action = action_of(call, ports::Action::Kind::kRead);
    if (spec_.name == "shell") {
      action.kind = ports::Action::Kind::kCommand;
      action.command = {"/bin/bash", "-c", base::json_string(*base::parse_json(call.arguments), "command")};
      action.cwd = environment.cwd;
    }
    if (spec_.name == "write_stdin") {
      action.kind = ports::Action::Kind::kCommand;
      action.script = base::json_string(*base::parse_json(call.arguments), "chars");
      action.command = {"write_stdin", "job-1", action.script};
      action.cwd = environment.cwd;
    }
    action.changes = changes;
    co_return prepared_job(std::move(action), "t", SayJob{output});
  }
};

class PolicedToolTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::path(testing::TempDir()) /
            (std::string("policed_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ / "in/deep");
    std::filesystem::create_directories(root_ / "out");
    std::ofstream(root_ / "out/secret.txt") << "s";
    std::filesystem::create_symlink(root_ / "out", root_ / "in/link");
    environment_.cwd = root_.string();
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void policy(const char* toolset, const char* key, const char* value) {
    const auto set = policies_.set(toolset, key, value);
    ASSERT_TRUE(set.ok()) << set.error().text();
  }
  /// What the call says, or its error.
  std::string run(const std::string& tool, const base::Json& arguments, std::string output = "ran",
                  std::vector<protocol::FileChange> changes = {}) {
    auto plain = std::make_unique<PlainTool>();
    plain->spec_.name = tool;
    plain->output = std::move(output);
    plain->changes = std::move(changes);
    const auto around = policed(std::move(plain), {policies_}, pool_);
    auto call = loop_.block_on(
        around->prepare({.call_id = "c", .tool = tool, .arguments = base::dump_json(arguments)}, environment_));
    if (!call.ok()) return call.error().code + ": " + call.error().message;
    Sink sink;
    (void)loop_.block_on((*call)->run(sink, {}));
    return sink.text;
  }
  std::string shell(const std::string& command) { return run("shell", {{"command", command}}).substr(0, 17); }

  runtime::Loop loop_;
  runtime::Pool pool_{loop_, "fs", 1};
  std::filesystem::path root_;
  ports::ToolPolicies policies_;
  ports::ToolEnvironment environment_;
};

TEST_F(PolicedToolTest, OnlyAllowedCommandsStart) {
  policy("local_shell", "_allowed_commands", "git, ls");
  EXPECT_EQ(shell("git status | ls"), "ran");
  EXPECT_EQ(shell("/usr/bin/git status"), "ran");
  EXPECT_EQ(run("shell", {{"command", "git status; rm x"}}),
            "permission_denied: the command \"rm\" is not allowed here (_allowed_commands)");
  EXPECT_EQ(shell("./git status"), "permission_denied") << "not the git that was allowed";
  EXPECT_EQ(shell("/tmp/bin/git x"), "permission_denied");
  EXPECT_EQ(shell("env rm x"), "permission_denied");
  EXPECT_EQ(shell("echo $(rm x)").substr(0, 7), "invalid");
}

TEST_F(PolicedToolTest, AnEmptyListAllowsNothing) {
  policy("local_shell", "_allowed_commands", "");
  EXPECT_EQ(shell("ls"), "permission_denied");
}

TEST_F(PolicedToolTest, DeniedCommandsDoNotStart) {
  policy("local_shell", "_denied_commands", "sudo,mkfs");
  EXPECT_EQ(shell("ls"), "ran");
  for (const char* command :
       {"sudo ls", "ls; /usr/bin/sudo ls", "mkfs.ext4 /dev/sda", "env sudo ls", "xargs sudo", "'su'do ls"}) {
    EXPECT_EQ(shell(command), "permission_denied") << command;
  }
}

TEST_F(PolicedToolTest, WhatIsTypedIntoAShellIsACommandToo) {
  policy("local_shell", "_denied_commands", "sudo");
  const auto type = [this](const char* chars) { return run("write_stdin", {{"chars", chars}}).substr(0, 17); };
  EXPECT_EQ(type("ls\n"), "ran");
  EXPECT_EQ(type("ls; sudo ls\n"), "permission_denied");
  EXPECT_EQ(type("su"), "permission_denied") << "the rest may come with the next call";
  policy("local_shell", "_allowed_commands", "ls");
  EXPECT_EQ(type("ls\n"), "ran");
  EXPECT_EQ(type("cat x\n"), "permission_denied");
}

TEST_F(PolicedToolTest, FoldersAndFilesThatAreNotListed) {
  policy("local_fs", "_skip_dir_names", "node_modules,.git");
  EXPECT_EQ(run("glob", {{"pattern", "*"}}, "a\nnode_modules/x\nb/node_modules/c/d\nb/node_modules_x/e\n"),
            "a\nb/node_modules_x/e\n");
  EXPECT_EQ(run("grep", {{"pattern", "x"}}, "a:1:node_modules/x\nb/.git/c:2:x\nd:e:3:x\n"),
            "a:1:node_modules/x\nd:e:3:x\n");
  EXPECT_EQ(run("list_dir", {{"path", "in"}}, "a.md (1 B)\nnode_modules/\nsrc/\n"), "a.md (1 B)\nsrc/\n");
  policy("local_fs", "_list_extensions", "md, .txt");
  EXPECT_EQ(run("list_dir", {{"path", "in"}}, "a.md (1 B)\nb.cc (2 B)\nl.txt -> x.cc\nsrc/\n[2 of 9 entries]\n"),
            "a.md (1 B)\nl.txt -> x.cc\nsrc/\n[2 of 9 entries]\n");
  EXPECT_EQ(run("glob", {{"pattern", "*"}}, "b.cc\n"), "b.cc\n") << "it is about listings";
}

TEST_F(PolicedToolTest, CommandsRunInTheAllowedFolder) {
  policy("local_shell", "_allowed_dir", "in");
  EXPECT_EQ(shell("ls"), "permission_denied");
  environment_.cwd = (root_ / "in/deep").string();
  policies_ = {};
  policy("local_shell", "_allowed_dir", (root_ / "in").c_str());
  EXPECT_EQ(shell("ls"), "ran");
}

TEST_F(PolicedToolTest, FilesStayInTheAllowedFolder) {
  policy("local_fs", "_allowed_dir", "in");
  EXPECT_EQ(run("read_file", {{"path", "in/a"}}), "ran");
  EXPECT_EQ(run("read_file", {{"path", (root_ / "in/deep/b").string()}}), "ran");
  for (const char* path :
       {"out/secret.txt", "in/../out/secret.txt", "in/link/secret.txt", "inside", "/etc/passwd", "."}) {
    EXPECT_TRUE(run("read_file", {{"path", path}}).starts_with("permission_denied")) << path;
  }
  EXPECT_TRUE(run("grep", {{"pattern", "x"}}).starts_with("permission_denied")) << "the working folder is outside";
  EXPECT_TRUE(run("apply_patch", {{"input", "…"}}, "ran", {{.path = "out/x"}}).starts_with("permission_denied"));
  EXPECT_TRUE(run("apply_patch", {{"input", "…"}}, "ran", {{.path = "in/x", .move_path = "out/x"}})
                  .starts_with("permission_denied"));
  EXPECT_EQ(run("apply_patch", {{"input", "…"}}, "ran", {{.path = "in/x"}}), "ran");
}

TEST_F(PolicedToolTest, DeniedTextInAPathHidesIt) {
  policy("local_fs", "_denied_path_substrings", ".env,/out/");
  EXPECT_TRUE(run("read_file", {{"path", "in/.env"}}).starts_with("permission_denied"));
  EXPECT_TRUE(run("read_file", {{"path", "in/link/secret.txt"}}).starts_with("permission_denied")) << "by its link";
  EXPECT_EQ(run("glob", {{"pattern", "*"}}, "in/a\nin/.env\nout/secret.txt\n"), "in/a\n");
  EXPECT_EQ(run("list_dir", {{"path", "in"}}, "a (1 B)\n.env (3 B)\n"), "a (1 B)\n");
}

TEST_F(PolicedToolTest, OutputIsCutWhichItSays) {
  policy("local_fs", "_max_read_bytes", "5");
  policy("local_fs", "_max_find_results", "2");
  policy("local_fs", "_max_output_bytes", "9");
  const std::string cut = "\n[the rest is left out: a policy of this agent limits the output]\n";
  EXPECT_EQ(run("read_file", {{"path", "a"}}, "12345"), "12345");
  EXPECT_EQ(run("read_file", {{"path", "a"}}, "123456"), "12345" + cut);
  EXPECT_EQ(run("glob", {{"pattern", "*"}}, "a\nb\nc\n"), "a\nb\n" + cut);
  EXPECT_EQ(run("list_dir", base::Json::object(), "1234567890"), "123456789" + cut);
}

TEST_F(PolicedToolTest, SearchesEndAtTheirMatches) {
  policy("local_fs", "_max_grep_matches", "2");
  const std::string cut = "\n[the rest is left out: a policy of this agent limits the output]\n";
  EXPECT_EQ(run("grep", {{"pattern", "x"}}, "a:1:x\nb:2:x\n"), "a:1:x\nb:2:x\n");
  EXPECT_EQ(run("grep", {{"pattern", "x"}}, "a:1:x\nb:2:x\nc:3:x\n"), "a:1:x\nb:2:x\n" + cut);
  EXPECT_EQ(run("glob", {{"pattern", "*"}}, "a\nb\nc\n"), "a\nb\nc\n") << "it is about grep";
}

TEST_F(PolicedToolTest, AListingIsOneLevelOrNone) {
  policy("local_fs", "_max_list_depth", "1");
  EXPECT_EQ(run("list_dir", {{"path", "in"}}, "a (1 B)\ndeep/\n"), "a (1 B)\ndeep/\n");
  policy("local_fs", "_max_list_depth", "0");
  EXPECT_EQ(run("list_dir", {{"path", "in"}}), "permission_denied: folders are not listed here (_max_list_depth)");
  EXPECT_EQ(run("read_file", {{"path", "in/a"}}), "ran");
}

TEST_F(PolicedToolTest, WebRequestsGoToAllowedHosts) {
  policy("webtools", "_allowed_hosts", "example.org, *.test");
  policy("webtools", "_denied_hosts", "bad.example.org");
  policy("webtools", "_allowed_schemes", "https");
  policy("webtools", "_max_request_body_bytes", "3");
  const auto get = [&](const std::string& url) { return run("web_get", {{"url", url}}).substr(0, 17); };
  EXPECT_EQ(get("https://example.org/x"), "ran");
  EXPECT_EQ(get("https://API.Example.org:8443/x"), "ran");
  EXPECT_EQ(get("https://a.test"), "ran");
  for (const char* url :
       {"http://example.org", "https://bad.example.org", "https://x.bad.example.org.", "https://other.org",
        "https://example.org@other.org/", "https://other.org\\@example.org", "https://notexample.org", "example.org"}) {
    EXPECT_EQ(get(url), "permission_denied") << url;
  }
  EXPECT_EQ(run("web_post", {{"url", "https://example.org"}, {"body", "1234"}}).substr(0, 17), "permission_denied");
}

TEST_F(PolicedToolTest, SeveralPoliciesAllHold) {
  policy("local_fs", "_max_output_bytes", "4");
  ports::ToolPolicies second;
  ASSERT_TRUE(second.set("local_fs", "_allowed_dir", "in").ok());
  auto plain = std::make_unique<PlainTool>();
  plain->spec_.name = "read_file";
  const auto around = policed(std::move(plain), {policies_, second}, pool_);
  EXPECT_FALSE(loop_.block_on(around->prepare({.arguments = R"({"path":"out/a"})"}, environment_)).ok());
}

TEST(ToolPolicies, WrongNamesAndNumbersAreErrors) {
  ports::ToolPolicies policies;
  EXPECT_EQ(policies.set("local_shel", "_allowed_dir", "x").error().text(),
            "there are no policies for \"local_shel\" (did you mean \"local_shell\"?)");
  EXPECT_EQ(policies.set("local_fs", "_max_read_byte", "1").error().text(),
            "local_fs has no policy \"_max_read_byte\" (did you mean \"_max_read_bytes\"?)");
  EXPECT_EQ(policies.set("local_fs", "_max_read_bytes", "many").error().text(),
            "_max_read_bytes: \"many\" is not a whole number from 0 on");
  EXPECT_EQ(policies.set("webtools", "_disallow_redirects", "maybe").error().text(),
            "_disallow_redirects: \"maybe\" is neither true nor false");
  EXPECT_EQ(policies, ports::ToolPolicies());
}

TEST(ToolPolicies, EveryKeyOfChainsIsKnown) {
  ports::ToolPolicies policies;
  for (const char* key : {"_skip_dir_names", "_list_extensions", "_denied_path_substrings", "_allowed_dir"}) {
    EXPECT_TRUE(policies.set("local_fs", key, "x").ok()) << key;
  }
  for (const char* key : {"_max_response_bytes", "_max_request_body_bytes", "_request_timeout_seconds", "_max_attempts",
                          "_initial_backoff_ms", "_max_backoff_ms", "_disallow_redirects"}) {
    EXPECT_TRUE(policies.set("webtools", key, "1").ok()) << key;
  }
}

}  // namespace
}  // namespace lathe::tools::common
