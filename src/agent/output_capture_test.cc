#include "lathe/agent/output_capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/base/utf8.h"
#include "lathe/fakes/memory_blob_store.h"

namespace lathe::agent {
namespace {

using protocol::OutputStream;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

struct Shown {
  OutputStream stream;
  std::int64_t offset;
  std::string text;
  friend bool operator==(const Shown&, const Shown&) = default;
};

struct Captured {
  fakes::MemoryBlobStore blobs;
  std::vector<Shown> shown;
  OutputCapture capture;
  explicit Captured(CaptureLimits limits = {}, std::vector<std::string> secrets = {})
      : capture(blobs, limits, std::move(secrets), [this](OutputStream stream, std::int64_t offset, std::string text) {
          shown.push_back({stream, offset, std::move(text)});
        }) {}
  void out(std::string_view bytes) { capture.write(OutputStream::kStdout, bytes); }
  void err(std::string_view bytes) { capture.write(OutputStream::kStderr, bytes); }
};

TEST(OutputCapture, ASecretReachesNeitherModelNorPersonNorBlob) {
  Captured captured({.model_bytes = 1000}, {"sk-very-secret"});
  captured.out("key sk-very-");
  captured.out("secret\n");
  captured.out(std::string(2000, 'x') + "sk-very-secret");
  const protocol::CallOutcome outcome = captured.capture.finish("");
  EXPECT_THAT(outcome.output, StartsWith("key [secret]\n"));
  EXPECT_THAT(outcome.output, testing::Not(testing::HasSubstr("very")));
  EXPECT_THAT(captured.blobs.get(outcome.output_blob, 10'000).value_or(""), testing::Not(testing::HasSubstr("very")));
  for (const Shown& piece : captured.shown) EXPECT_THAT(piece.text, testing::Not(testing::HasSubstr("very")));
}

TEST(OutputCapture, ShortOutputIsWholeAndShownAsItComes) {
  Captured captured;
  captured.out("one\n");
  captured.err("two\n");
  const protocol::CallOutcome outcome = captured.capture.finish("Exit code: 1");
  EXPECT_EQ(outcome.output, "Exit code: 1\none\ntwo\n");
  EXPECT_EQ(outcome.output.substr(static_cast<std::size_t>(outcome.header_bytes)), "one\ntwo\n");
  EXPECT_EQ(outcome.output_blob, "");
  EXPECT_EQ(outcome.output_bytes, 0);
  EXPECT_EQ(captured.blobs.count(), 0U);
  EXPECT_THAT(captured.shown,
              testing::ElementsAre(Shown{OutputStream::kStdout, 0, "one\n"}, Shown{OutputStream::kStderr, 4, "two\n"}));
}

TEST(OutputCapture, LongOutputKeepsHeadAndTailWithinTheBudgetAndAllOfItInABlob) {
  Captured captured({.model_bytes = 2'000});
  std::string all;
  for (int i = 0; i < 5'000; ++i) all += "line " + std::to_string(i) + "\n";
  for (std::size_t at = 0; at < all.size(); at += 777) captured.out(std::string_view(all).substr(at, 777));
  const protocol::CallOutcome outcome = captured.capture.finish("header");
  EXPECT_LE(outcome.output.size(), 2'000U);
  EXPECT_GT(outcome.output.size(), 1'700U);
  EXPECT_THAT(outcome.output, StartsWith("header\nline 0\nline 1\n"));
  EXPECT_EQ(outcome.header_bytes, 7);
  EXPECT_THAT(outcome.output, EndsWith("line 4998\nline 4999\n"));
  EXPECT_THAT(outcome.output, HasSubstr("left out"));
  EXPECT_EQ(outcome.output_bytes, static_cast<std::int64_t>(all.size()));
  EXPECT_EQ(*captured.blobs.get(outcome.output_blob, all.size()), all);
}

TEST(OutputCapture, OneHugeWriteIsCutTheSameWay) {
  Captured captured({.model_bytes = 1'000});
  const std::string all = std::string(3U << 20, 'a') + "end";
  captured.out(all);
  const protocol::CallOutcome outcome = captured.capture.finish("");
  EXPECT_LE(outcome.output.size(), 1'000U);
  EXPECT_THAT(outcome.output, EndsWith("aaend"));
  EXPECT_EQ(*captured.blobs.get(outcome.output_blob, all.size()), all);
}

TEST(OutputCapture, CharactersSplitBetweenWritesStayWholeAndBadBytesBecomeValid) {
  Captured captured;
  captured.out("\xE2\x82");
  captured.err("\xC3");
  captured.out("\xAC");
  captured.err("\xA9");
  captured.out(std::string_view("a\0b\xFFz\xE2", 6));
  const protocol::CallOutcome outcome = captured.capture.finish("");
  EXPECT_EQ(outcome.output, "€éa\uFFFDb\uFFFDz\uFFFD");
  for (const Shown& shown : captured.shown) EXPECT_TRUE(base::is_utf8(shown.text));
}

TEST(OutputCapture, CutsBetweenCharacters) {
  Captured captured({.model_bytes = 1'000});
  for (int i = 0; i < 5'000; ++i) captured.out("€");
  const protocol::CallOutcome outcome = captured.capture.finish("");
  EXPECT_TRUE(base::is_utf8(outcome.output));
  EXPECT_LE(outcome.output.size(), 1'000U);
}

TEST(OutputCapture, TheBlobIsBoundedAndSaysSo) {
  Captured captured({.model_bytes = 1'000, .spool_bytes = 10'000});
  captured.out(std::string(50'000, 'x'));
  const protocol::CallOutcome outcome = captured.capture.finish("");
  EXPECT_EQ(captured.blobs.get(outcome.output_blob, 1U << 20)->size(), 10'000U);
  EXPECT_THAT(outcome.output, HasSubstr("Only its first 9.8 KiB were kept"));
  EXPECT_EQ(outcome.output_bytes, 50'000);
}

TEST(OutputCapture, AFullDiskCostsTheBlobNotTheResult) {
  Captured captured({.model_bytes = 1'000});
  captured.blobs.fill_disk();
  captured.out(std::string(5'000, 'x'));
  const protocol::CallOutcome outcome = captured.capture.finish("");
  EXPECT_EQ(outcome.output_blob, "");
  EXPECT_THAT(outcome.output, HasSubstr("could not be kept"));
}

TEST(OutputCapture, WhatIsShownIsBoundedInPiecesAndBytes) {
  Captured pieces({.shown_pieces = 3});
  for (int i = 0; i < 9; ++i) pieces.out("x");
  EXPECT_EQ(pieces.shown.size(), 3U);
  Captured bytes({.shown_bytes = 10});
  bytes.out("123456");
  bytes.out("123456");
  bytes.out("1");
  EXPECT_EQ(bytes.shown.size(), 1U) << "a piece after one that was left out would leave a hole";
}

}  // namespace
}  // namespace lathe::agent
