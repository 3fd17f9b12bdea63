#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "lathe/base/strings.h"
#include "lathe/chain/check.h"

// testdata/planted has one file for each class of finding, and beside it what is said about it. ACCEPT=1 rewrites what
// is said, and marks the test as skipped; that the class itself is found is asked all the same.

namespace lathe::chain {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

const fs::path& testdata() {
  static const fs::path folder = fs::path(LATHE_SOURCE_DIR) / "src/chain/testdata";
  return folder;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The files of a folder that are chains, by their name without its ending.
std::map<std::string, fs::path> chains_in(const char* folder) {
  std::map<std::string, fs::path> files;
  for (const auto& entry : fs::directory_iterator(testdata() / folder)) {
    if (entry.path().extension() == ".txt") continue;
    EXPECT_TRUE(files.emplace(entry.path().stem().string(), entry.path()).second) << entry.path();
  }
  return files;
}

const Chain& only_chain(const Loaded& loaded) {
  EXPECT_EQ(loaded.chains.size(), 1U);
  EXPECT_THAT(loaded.findings, ::testing::IsEmpty());
  return loaded.chains.front();
}

base::Result<void> known_policy(std::string_view toolset, std::string_view key, std::string_view) {
  static const std::vector<std::string> kKeys = {"_allowed_commands", "_denied_commands", "_max_read_bytes"};
  if (std::ranges::find(kKeys, key) != kKeys.end()) return {};
  return base::Error{.code = base::codes::kNotFound,
                     .message = std::string(toolset) + " has no policy \"" + std::string(key) + "\"",
                     .hint = base::did_you_mean(key, kKeys)};
}

const Surroundings& workshop() {
  static const Loaded review = load(
      "inputs: {diff: {}, focus: {default: bugs}}\n"
      "tasks: [{id: say, handler: noop, prompt_template: '{{.diff}}{{.focus}}'}]",
      "review.yaml");
  static const Loaded there = load("id: there-and-back\ntasks: [{id: go, handler: chain, chain: loop}]", "there.yaml");
  static const Loaded loop =
      load("id: loop\ntasks: [{id: go, handler: chain, chain: there-and-back}]", "chain-cycle.yaml");
  static const Surroundings around = {
      .models = Words{"qwen3:8b", "gpt-5-mini"},
      .providers = Words{"ollama", "openai"},
      .toolsets = Words{"local_fs", "local_shell", "webtools"},
      .tools = Words{"local_fs.read_file", "local_fs.write_file", "local_shell.run", "webtools.fetch"},
      .agents = Words{"reviewer", "planner"},
      .drivers = Words{"codex", "claude"},
      .variables = {},
      .chain = [](std::string_view name) -> const Chain* {
        if (name == "review") return &only_chain(review);
        if (name == "there-and-back") return &only_chain(there);
        return name == "loop" ? &only_chain(loop) : nullptr;
      },
      .policy = known_policy,
  };
  return around;
}

std::vector<Finding> findings_of(const fs::path& path) {
  return check(load(bytes_of(path), path.filename().string()), workshop());
}

TEST(PlantedFiles, AreOneForEachClass) {
  std::set<std::string> classes;
  for (const FindingClass& known : finding_classes()) {
    EXPECT_TRUE(classes.emplace(known.id).second) << known.id << " is listed twice";
  }
  EXPECT_GE(classes.size(), 60U);
  std::set<std::string> files;
  for (const auto& [name, path] : chains_in("planted")) files.insert(name);
  EXPECT_EQ(files, classes);
}

TEST(PlantedFiles, AreFoundAndExplained) {
  const char* accept = std::getenv("ACCEPT");
  const bool accepting = accept != nullptr && std::string_view(accept) == "1";
  bool rewritten = false;
  for (const auto& [name, path] : chains_in("planted")) {
    SCOPED_TRACE(name);
    const std::vector<Finding> findings = findings_of(path);
    EXPECT_THAT(findings, ::testing::Contains(::testing::Field(&Finding::id, name)));
    const std::string text = findings_text(path.filename().string(), findings);
    const fs::path golden = testdata() / "planted" / (name + ".txt");
    if (!accepting) {
      EXPECT_EQ(text, bytes_of(golden)) << golden << " differs; ACCEPT=1 rewrites it";
    } else if (text != bytes_of(golden)) {
      std::ofstream(golden, std::ios::binary) << text;
      rewritten = true;
    }
  }
  if (rewritten) GTEST_SKIP() << "testdata/planted was rewritten";
}

TEST(ValidFiles, HaveNoError) {
  for (const auto& [name, path] : chains_in("valid")) {
    const std::vector<Finding> findings = findings_of(path);
    EXPECT_FALSE(has_errors(findings)) << findings_text(path.filename().string(), findings);
  }
}

TEST(ValidFiles, OfOursHaveNoWarningEither) {
  EXPECT_EQ(findings_text("everything.yaml", findings_of(testdata() / "valid/everything.yaml")), "");
}

}  // namespace
}  // namespace lathe::chain
