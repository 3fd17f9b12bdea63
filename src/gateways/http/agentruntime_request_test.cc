#include "lathe/gateways/http/agentruntime_request.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "lathe/base/ids.h"

namespace lathe::gateways::http {
namespace {

TEST(AgentruntimeRequest, TakesWhatTheNativeAgentHonours) {
  const auto request = parse_agentruntime_request(R"({"agent":"native","runtime":"local","prompt":"go","work_dir":"/w",
      "model":"m","name":"n","timeout":"5m","interactive":false,"tags":{"repo":"calc"},"task_id":"t-1","env":{"GOFLAGS":"-v"},"pty":false,"of_somebody_else":1})");
  ASSERT_TRUE(request.ok()) << request.error().text();
  EXPECT_EQ(*request, (AgentruntimeRequest{.prompt = "go",
                                           .interactive = false,
                                           .work_dir = "/w",
                                           .model = "m",
                                           .name = "n",
                                           .timeout = base::Millis(300'000),
                                           .session_id = "",
                                           .tags = {"task_id=t-1", "repo=calc"},
                                           .environment = {"GOFLAGS=-v"}}));
  EXPECT_TRUE(parse_agentruntime_request(R"({"agent":"native","interactive":true,"work_dir":"/w"})")->interactive);
}

TEST(AgentruntimeRequest, OneThatGoesOnNeedsNoFolder) {
  const auto resumed = parse_agentruntime_request(R"({"agent":"native","prompt":"go","resume_session":"s"})");
  ASSERT_TRUE(resumed.ok()) << resumed.error().text();
  EXPECT_EQ(*resumed, (AgentruntimeRequest{.prompt = "go", .resume_session = "s"}));
  EXPECT_EQ(
      parse_agentruntime_request(R"({"agent":"native","prompt":"go","resume_session":"s","work_dir":"/w"})")->work_dir,
      "/w");
  EXPECT_FALSE(parse_agentruntime_request(R"({"agent":"native","resume_session":"s"})").ok()) << "nothing is said";
}

TEST(AgentruntimeRequest, TakesAMountThatSaysWhatWorkDirSays) {
  for (const char* folder :
       {R"("mounts":[{"host":"/w","container":"/workspace","mode":"rw"}])",
        R"("mounts":[{"host":"/w","container":"/workspace","mode":"","type":"bind"}],"work_dir":"")",
        R"("mounts":[{"host":"/w","container":"/workspace","mode":"rw"}],"work_dir":"/w","persist_session":true)",
        R"("mounts":[],"work_dir":"/w")"}) {
    const auto request = parse_agentruntime_request(std::string(R"({"agent":"native","prompt":"go",)") + folder + "}");
    ASSERT_TRUE(request.ok()) << folder << ": " << request.error().text();
    EXPECT_EQ(request->work_dir, "/w") << folder;
  }
}

TEST(AgentruntimeRequest, TagsOfTheSameNameAreReplaced) {
  EXPECT_EQ(replaced_tags({"repo=calc", "task_id=t-1", "ticket=A", "todo"}, {"task_id=t-2", "repo=calc", "todo=x"}),
            std::vector<std::string>{"task_id=t-1"});
}

TEST(AgentruntimeRequest, HowManyIsAtLeastOne) {
  const auto count_of = [](const std::string& text) {
    return count_parameter({.query = {{"limit", text}}}, "limit", /*fallback=*/7);
  };
  EXPECT_EQ(count_of("5").value_or(0), 5);
  EXPECT_EQ(count_of("").value_or(0), 7);
  for (const std::string text : {"-1", "0", "x", "1x"}) {
    const auto refused = count_of(text);
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_EQ(refused.error().message, "limit: \"" + text + "\" is no number of at least 1");
  }
}

TEST(AgentruntimeRequest, RefusesWhatCannotBeDone) {
  for (const char* body :
       {"",
        "[]",
        "{}",
        R"({"agent":"claude","prompt":"go","work_dir":"/w"})",
        R"({"agent":"native","work_dir":"/w"})",
        R"({"agent":"native","prompt":"go"})",
        R"({"agent":"native","prompt":1,"work_dir":"/w"})",
        R"({"agent":"native","prompt":"go","work_dir":"/w","runtime":"docker"})",
        R"({"agent":"native","prompt":"go","work_dir":"/w","timeout":"soon"})",
        R"({"agent":"native","prompt":"go","work_dir":"/w","tags":["a"]})",
        R"({"agent":"native","prompt":"go","work_dir":"/w","tags":{"a":1}})",
        R"({"agent":"native","prompt":"go","work_dir":"/w","tags":{"a=b":"c"}})",
        R"({"agent":"native","prompt":"go","work_dir":"/w","env":["A=b"]})",
        R"({"agent":"native","prompt":"go","work_dir":"/w","env":{"A":1}})",
        R"({"agent":"native","prompt":"go","work_dir":"/w","env":{"A=b":"c"}})",
        R"({"agent":"native","prompt":"go","work_dir":"/w","env":{"A":"b\u0000c"}})",
        R"({"agent":"native","prompt":"go","resume_session":1})",
        R"({"agent":"native","prompt":"go","mounts":"/w"})",
        R"({"agent":"native","prompt":"go","mounts":["/w"]})",
        R"({"agent":"native","prompt":"go","mounts":[{"host":"/w","container":"/workspace","mode":"ro"}]})",
        R"({"agent":"native","prompt":"go","mounts":[{"host":"/w","container":"/data","mode":"rw"}]})",
        R"({"agent":"native","prompt":"go","mounts":[{"host":"w","container":"/workspace","type":"volume"}]})",
        R"({"agent":"native","prompt":"go","work_dir":"/w","mounts":[{"host":"/v","container":"/workspace"}]})",
        R"({"agent":"native","prompt":"go","work_dir":"/w","mounts":[{"host":"/w","container":"/workspace"},
            {"host":"/v","container":"/data"}]})",
        R"({"agent":"native","prompt":"go","work_dir":"/w","container":{"image":"x"}})"}) {
    const auto request = parse_agentruntime_request(body);
    EXPECT_FALSE(request.ok()) << body;
  }
}

class CheckWorkDir : public testing::Test {
 protected:
  ~CheckWorkDir() override { std::filesystem::remove_all(root_); }
  std::filesystem::path make(const std::string& folder) {
    std::filesystem::create_directories(root_ / folder);
    return root_ / folder;
  }
  base::SystemRandom random_;
  const std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / base::short_id("lathe_work_dir", random_);
};

TEST_F(CheckWorkDir, TakesAProject) { EXPECT_TRUE(check_work_dir(make("person/project")).ok()); }

TEST_F(CheckWorkDir, RefusesWhatIsNoProject) {
  make("person/project");
  make("person/.ssh/deep");
  std::filesystem::create_directory_symlink(root_ / "person/.ssh", root_ / "link");
  const std::string root = root_.string();
  for (const std::string& path : {std::string("project"), std::string("/"), std::string("/etc"), root + "/nowhere",
                                  root + "/person/project/../project", root + "/person", root + "/person/.ssh",
                                  root + "/person/.ssh/deep", root + "/link"}) {
    const auto checked = check_work_dir(path);
    ASSERT_FALSE(checked.ok()) << path;
    EXPECT_EQ(checked.error().code, base::codes::kInvalid) << path;
  }
}

}  // namespace
}  // namespace lathe::gateways::http
