#include "lathe/undo/session_history.h"

#include "lathe/crypto/git_blob_id.h"
#include "lathe/undo/session_history_rig.h"

namespace lathe::undo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(SessionHistoryTest, WhatToolsWroteGoesBackToThePointThatWasAskedFor) {
  put("a", "first\r\n");
  tool_writes(10, "a", "second");
  tool_writes(20, "a", "third");
  tool_writes(20, "new/deep/b", std::string("\0\xFF", 2));
  EXPECT_THAT(restore(15, ports::RestoreMode::kDryRun).restored, ElementsAre("a"));
  EXPECT_EQ(get("a"), "third");
  const auto report = restore(15);
  EXPECT_THAT(report.restored, ElementsAre("a"));
  EXPECT_THAT(report.removed, ElementsAre("new/deep/b"));
  EXPECT_EQ(get("a"), "second");
  EXPECT_FALSE(stdfs::exists(at("new")));
  start();
  EXPECT_THAT(restore(5).restored, ElementsAre("a"));
  EXPECT_EQ(get("a"), "first\r\n");
  EXPECT_THAT(restore(5).restored, IsEmpty());
}

TEST_F(SessionHistoryTest, WhatCommandsDidIsTakenBackExactly) {
  put("gone", "bytes");
  put("tool.sh", "#!/bin/sh\n");
  stdfs::permissions(at("tool.sh"), stdfs::perms(0751));
  put("shape", "a file");
  stdfs::create_directories(at("empty/inner"));
  stdfs::create_symlink("tool.sh", at("link"));
  const auto snapshot = command(10, [&] {
    stdfs::remove(at("gone"));
    stdfs::permissions(at("tool.sh"), stdfs::perms(0600));
    stdfs::remove(at("shape"));
    stdfs::create_directory(at("shape"));
    put("shape/inside", "x");
    stdfs::remove_all(at("empty"));
    stdfs::remove(at("link"));
    stdfs::create_symlink("/etc/passwd", at("link"));
    put("made/by/command", "x");
  });
  EXPECT_EQ(snapshot.files, 4);
  const auto report = restore(9);
  EXPECT_THAT(report.conflicts, IsEmpty());
  EXPECT_THAT(report.restored, ElementsAre("empty/inner/", "gone", "link", "shape", "tool.sh"));
  EXPECT_THAT(report.removed, ElementsAre("made/by/command", "shape/inside"));
  EXPECT_EQ(get("gone"), "bytes");
  EXPECT_EQ(get("shape"), "a file");
  EXPECT_EQ(mode_of("tool.sh"), 0751U);
  EXPECT_EQ(stdfs::read_symlink(at("link")), "tool.sh");
  EXPECT_TRUE(stdfs::is_directory(at("empty/inner")));
  EXPECT_FALSE(stdfs::exists(at("made")));
}

TEST_F(SessionHistoryTest, WhatSomeoneElseChangedIsShownAndStays) {
  put("since", "0");
  put("between", "0");
  put("both", "0");
  tool_writes(10, "since", "task");
  put("since", "person");
  tool_writes(10, "between", "task");
  put("between", "person");
  tool_writes(11, "between", "task again");
  tool_writes(10, "both", "task");
  put("both", "0");  // as it was
  const auto report = restore(5);
  EXPECT_THAT(report.conflicts, ElementsAre("between", "since"));
  EXPECT_THAT(report.restored, IsEmpty());
  EXPECT_EQ(get("since"), "person");
  EXPECT_EQ(get("between"), "task again");
}

TEST_F(SessionHistoryTest, WhatToolsWroteOutsideGoesBackToo) {
  const std::string base = stdfs::canonical(base_).string();
  put("inside", "first");
  put("../beside", "first");
  tool_writes(10, "inside", "second");
  tool_writes(10, "../beside", "second");
  tool_writes(10, "../made/deep", "new");
  tool_writes(20, "../theirs", "ours");
  put("../theirs", "theirs");
  start();
  EXPECT_THAT(restore(5, ports::RestoreMode::kDryRun).restored,
              testing::UnorderedElementsAre("inside", base + "/beside"));
  const auto report = restore(5);
  EXPECT_THAT(report.restored, testing::UnorderedElementsAre("inside", base + "/beside"));
  EXPECT_THAT(report.removed, ElementsAre(base + "/made/deep"));
  EXPECT_THAT(report.conflicts, ElementsAre(base + "/theirs"));
  EXPECT_EQ(get("inside"), "first");
  EXPECT_EQ(get("../beside"), "first");
  EXPECT_EQ(get("../theirs"), "theirs");
  EXPECT_FALSE(stdfs::exists(at("../made")));
}

TEST_F(SessionHistoryTest, WhatAPersonChangedBetweenCommandsIsNotTheTasks) {
  put("mine", "0");
  command(10, [&] { put("made", "1"); });
  put("mine", "person");
  command(11, [&] { put("made", "2"); });
  const auto report = restore(5);
  EXPECT_THAT(report.removed, ElementsAre("made"));
  EXPECT_EQ(get("mine"), "person");
}

TEST_F(SessionHistoryTest, ToolsAndCommandsOfOneFileMakeOneHistory) {
  put("f", "0");
  tool_writes(10, "f", "1");
  command(11, [&] { put("f", "2"); });
  tool_writes(12, "f", "3");
  command(13, [&] { stdfs::remove(at("f")); });
  EXPECT_THAT(restore(11).restored, ElementsAre("f"));
  EXPECT_EQ(get("f"), "2");
  EXPECT_THAT(restore(5).restored, ElementsAre("f"));
  EXPECT_EQ(get("f"), "0");
}

TEST_F(SessionHistoryTest, ACommandInWhoseMiddleEverythingDiedCanBeUndone) {
  put("f", "0");
  history_->mark(10);
  ASSERT_TRUE(loop_.block_on(history_->before_command()).ok());
  put("f", "half");
  put("g", "half");
  start();
  const auto report = restore(5);
  EXPECT_THAT(report.restored, ElementsAre("f"));
  EXPECT_THAT(report.removed, ElementsAre("g"));
  EXPECT_EQ(get("f"), "0");
}

TEST_F(SessionHistoryTest, WithoutItsTreeWhatACommandDidIsNotGuessed) {
  put("f", "0");
  history_->mark(10);
  ASSERT_TRUE(loop_.block_on(history_->before_command()).ok());
  for (const auto& entry : stdfs::directory_iterator(base_ + "/cache")) stdfs::remove_all(entry.path());
  stdfs::remove(base_ + "/session/undo/tree");
  start();
  const auto report = restore(5);
  EXPECT_THAT(report.removed, IsEmpty());
  EXPECT_EQ(get("f"), "0");
}

TEST_F(SessionHistoryTest, AStepThatFailsKeepsNoOtherFromComingBackAndCanBeTriedAgain) {
  put("a/f", "0");
  put("b", "0");
  put("z", "0");
  tool_writes(10, "a/f", std::nullopt);
  tool_writes(11, "b", "1");
  tool_writes(12, "z", "1");
  stdfs::remove(at("a"));
  put("a", "in the way");
  const auto report = restore(5);
  EXPECT_THAT(report.restored, ElementsAre("b", "z"));
  EXPECT_THAT(report.conflicts, ElementsAre("a/f"));
  stdfs::remove(at("a"));
  start();
  const auto again = restore(5);
  EXPECT_THAT(again.restored, ElementsAre("a/f"));
  EXPECT_THAT(again.conflicts, IsEmpty());
}

TEST_F(SessionHistoryTest, AnUndoInWhoseMiddleEverythingDiedCanBeDoneAgain) {
  for (const char* path : {"done", "open", "person"}) {
    put(path, "0");
    tool_writes(10, path, "1");
  }
  history_.reset();
  {
    auto log = ChangeLog::open(base_ + "/session/undo/changes.ndjson", storage::Disk(), runtime::Durability::kProcess);
    ASSERT_TRUE(log.ok()) << log.error().text();
    std::vector<ChangeRecord> steps = log->changes();
    for (ChangeRecord& step : steps) {
      step.at = 20;
      step.by = ChangedBy::kUndo;
      std::swap(step.before, step.after);
    }
    ASSERT_TRUE(log->append(steps).ok());
  }
  put("done", "0");
  put("person", "mine");
  start();
  tool_writes(30, "open", "2");
  const auto report = restore(5);
  EXPECT_THAT(report.restored, ElementsAre("open"));
  EXPECT_THAT(report.conflicts, ElementsAre("person"));
  EXPECT_EQ(get("open"), "0");
  put("open", "1");
  start();
  EXPECT_THAT(restore(5).conflicts, ElementsAre("open", "person")) << "what an undo brought back was changed since";
}

TEST_F(SessionHistoryTest, WhatAJobWritesInTheBackgroundIsTheTasks) {
  put("f", "0");
  put("g", "0");
  command(10, [&] {
    put("f", "1");
    history_->jobs_live(true);
  });
  put("f", "2");
  tool_writes(11, "g", "1");
  command(12, [&] { put("f", "3"); });
  put("late", "x");
  history_->jobs_live(false);
  const auto report = restore(9);
  EXPECT_THAT(report.conflicts, IsEmpty());
  EXPECT_THAT(report.restored, ElementsAre("f", "g"));
  EXPECT_THAT(report.removed, ElementsAre("late"));
  EXPECT_EQ(get("f"), "0");
  EXPECT_EQ(get("g"), "0");
  put("late", "person");
  EXPECT_THAT(restore(9).conflicts, ElementsAre("late")) << "no job runs any more";
}

TEST_F(SessionHistoryTest, IgnoredSecretAndOurOwnAreNotCovered) {
  put(".gitignore", "build/\n*.o\n");
  put("build/out", "x");
  put("a.o", "x");
  put(".env", "KEY=1");
  put("state/journal", "ours");
  put("src/a", "x");
  git("init -q");
  const auto snapshot = command(10, [&] {
    put("build/out", "y");
    put(".env", "KEY=2");
    put("src/a", "y");
  });
  EXPECT_THAT(snapshot.not_covered, ElementsAre(".env", "a.o", "build/", "state/"));
  EXPECT_THAT(restore(5).restored, ElementsAre("src/a"));
  EXPECT_EQ(get(".env"), "KEY=2");
}

TEST_F(SessionHistoryTest, WhatACommandMadeAndIsNotCoveredIsListedByTheNextProcessToo) {
  put(".gitignore", "build/\n");
  put("src/a", "x");
  const auto snapshot = command(10, [&] {
    put("build/out", "y");
    put("src/a", "y");
  });
  EXPECT_THAT(snapshot.not_covered, IsEmpty()) << "what is there before the command";
  EXPECT_THAT(restore(5, ports::RestoreMode::kDryRun).not_covered, ElementsAre("build/"));
  start();
  const auto report = restore(5);
  EXPECT_THAT(report.restored, ElementsAre("src/a"));
  EXPECT_THAT(report.not_covered, ElementsAre("build/"));
}

TEST_F(SessionHistoryTest, NoCopyHoldsAKey) {
  put("config", "key: sk-very-secret");
  put("a", "x");
  const auto snapshot = command(10, [&] { put("a", "y"); });
  EXPECT_THAT(snapshot.not_covered, ElementsAre("config"));
  tool_writes(11, "config", "key: none");
  tool_writes(12, "made", "sk-very-secret");
  const auto report = restore(5);
  EXPECT_THAT(report.restored, ElementsAre("a"));
  EXPECT_THAT(report.conflicts, ElementsAre("made")) << "it would be gone for good";
  for (const auto& entry : stdfs::recursive_directory_iterator(base_ + "/blobs")) {
    if (!entry.is_regular_file()) continue;
    EXPECT_THAT(*runtime::read_file(entry.path().string()), Not(HasSubstr("sk-very-secret")));
  }
}

TEST_F(SessionHistoryTest, InARepositoryNothingIsCopiedAndItIsOnlyRead) {
  git("init -q");
  git("config core.autocrlf true");
  put("a", "one\ntwo\n");
  put("crlf", "one\r\ntwo\r\n");
  put("deep/b", std::string(100'000, 'b'));
  git("add .");
  git("commit -qm start");
  const auto index = *runtime::read_file(at(".git/index"));
  command(10, [&] {
    stdfs::remove(at("a"));
    put("crlf", "x");
    stdfs::remove_all(at("deep"));
  });
  std::size_t blobs = 0;
  for (const auto& entry : stdfs::recursive_directory_iterator(base_ + "/blobs")) blobs += entry.is_regular_file();
  EXPECT_EQ(blobs, 2U) << "the file whose object has other bytes, and what the command left";
  start();
  EXPECT_THAT(restore(5).restored, ElementsAre("a", "crlf", "deep/b"));
  EXPECT_EQ(get("a"), "one\ntwo\n");
  EXPECT_EQ(get("crlf"), "one\r\ntwo\r\n");
  EXPECT_EQ(get("deep/b"), std::string(100'000, 'b'));
  EXPECT_EQ(*runtime::read_file(at(".git/index")), index);
}

TEST_F(SessionHistoryTest, ACommandThatEndsTheRepositoryCanBeUndone) {
  git("init -q");
  put("committed", "one");
  put("dropped", "two");
  git("add .");
  git("commit -qm start");
  git("gc -q");
  put("staged", "three");
  git("add staged");
  command(10, [&] {
    git("rm -q --cached staged");
    git("reflog expire --expire=now --all");
    git("gc -q --prune=now");
    stdfs::remove(at("staged"));
  });
  command(11, [&] {
    put("committed", "x");
    stdfs::remove_all(at(".git"));
    stdfs::remove(at("dropped"));
  });
  start();
  EXPECT_THAT(restore(10).restored, ElementsAre("committed", "dropped"));
  EXPECT_THAT(restore(5).restored, ElementsAre("staged"));
  EXPECT_EQ(get("committed"), "one");
  EXPECT_EQ(get("dropped"), "two");
  EXPECT_EQ(get("staged"), "three");
}

TEST_F(SessionHistoryTest, BytesThatWereOverwrittenInPlaceAreNotRestoredAndTheOthersAre) {
  git("init -q");
  put("a", "one");
  put("b", "two");
  git("add .");
  git("commit -qm start");
  command(10, [&] {
    put("a", "x");
    put("b", "x");
  });
  // As a command would that finds a second name of ours: another object, which git takes for the one.
  const auto loose = [](const std::string& name) { return "/" + name.substr(0, 2) + "/" + name.substr(2); };
  const std::string other = at(".git/objects" + loose(crypto::git_blob_id("two")));
  std::vector<std::string> held;
  for (const auto& entry : stdfs::recursive_directory_iterator(base_)) {
    if (entry.path().string().ends_with(loose(crypto::git_blob_id("one")))) held.push_back(entry.path().string());
  }
  ASSERT_EQ(held.size(), 2U) << "the repository's and ours";
  for (const std::string& path : held) {
    stdfs::permissions(path, stdfs::perms(0600));
    stdfs::copy_file(other, path, stdfs::copy_options::overwrite_existing);
  }
  start();
  const auto report = restore(5);
  EXPECT_THAT(report.restored, ElementsAre("b"));
  EXPECT_THAT(report.conflicts, ElementsAre("a"));
  EXPECT_EQ(get("a"), "x");
  const auto again = loop_.block_on(history_->restore(5, ports::RestoreMode::kRestore));
  EXPECT_THAT(again.error().text(), HasSubstr("changed in place")) << "when nothing comes back it is said why";
}

TEST_F(SessionHistoryTest, FilesWhoseBytesAreGoneAreTakenAnew) {
  git("init -q");
  put("indexed", "one");
  git("add .");
  put("plain", "two");
  command(10, [] {});
  stdfs::remove_all(base_ + "/blobs");
  stdfs::create_directories(base_ + "/blobs/unfinished");
  for (const auto& entry : stdfs::directory_iterator(base_ + "/cache")) {
    if (entry.is_directory()) stdfs::remove_all(entry.path());
  }
  stdfs::remove_all(at(".git"));
  start();
  const auto summary = command(11, [&] {
    put("indexed", "x");
    put("plain", "x");
  });
  EXPECT_EQ(summary.files, 2);
  EXPECT_THAT(restore(10).restored, ElementsAre("indexed", "plain"));
  EXPECT_EQ(get("indexed"), "one");
  EXPECT_EQ(get("plain"), "two");
}

TEST_F(SessionHistoryTest, AnUnchangedWorkspaceIsKnownAgainAndASameSizedChangeIsSeen) {
  put("f", "0");
  command(10, [] {});
  command(11, [&] { put("f", "1"); });
  command(12, [&] { put("f", "2"); });
  EXPECT_THAT(restore(11).restored, ElementsAre("f"));
  EXPECT_EQ(get("f"), "1");
}

TEST_F(SessionHistoryTest, AFolderThatBecameALinkIsNotFollowed) {
  put("d/f", "0");
  command(10, [&] { put("d/f", "1"); });
  stdfs::create_directory(base_ + "/outside");
  std::ofstream(base_ + "/outside/f") << "1";
  stdfs::remove_all(at("d"));
  stdfs::create_directory_symlink(base_ + "/outside", at("d"));
  EXPECT_THAT(restore(5).conflicts, ElementsAre("d/f"));
  EXPECT_EQ(*runtime::read_file(base_ + "/outside/f"), "1");
}

TEST_F(SessionHistoryTest, WhatWasReadIsKnownAfterARestart) {
  history_->reads().saw("/w/a", std::string(64, 'a'));
  history_->reads().saw("/w/a", std::string(64, 'b'));
  start();
  EXPECT_EQ(history_->reads().last_seen("/w/a"), std::string(64, 'b'));
  EXPECT_EQ(history_->reads().last_seen("/w/b"), std::nullopt);
}

TEST_F(SessionHistoryTest, AWriteBehindALinkThatLeadsNowhereIsAnError) {
  stdfs::create_symlink("loop", at("loop"));
  history_->mark(1);
  const std::vector<ports::FileWrite> writes{{.path = at("loop/x"), .after = "x"}};
  const auto kept = loop_.block_on(pool_.run([&] { return history_->will_write(writes); }));
  ASSERT_FALSE(kept.ok());
  EXPECT_THAT(kept.error().text(), testing::HasSubstr("loop/x"));
}

}  // namespace
}  // namespace lathe::undo
