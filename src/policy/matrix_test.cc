#include "lathe/policy/matrix.h"

#include <gtest/gtest.h>

#include <string>

namespace lathe::policy {
namespace {

using protocol::ApprovalPolicy;
using protocol::SandboxMode;

/// "y" allowed, "?" asks, "n" refused; untrusted, on-request, never, each read-only, workspace-write, full-access.
struct Expected {
  const char* name;
  ActionClass action;
  const char* verdicts;
};
constexpr Expected kExpected[] = {{"SafeCommand", ActionClass::kSafeCommand, "yyyyyyyyy"},
                                  {"Command", ActionClass::kCommand, "???yyyyyy"},
                                  {"DangerousCommand", ActionClass::kDangerousCommand, "??????nnn"},
                                  {"OutsideSandbox", ActionClass::kOutsideSandbox, "??y??ynny"},
                                  {"AskedFor", ActionClass::kAskedFor, "??????nnn"},
                                  {"ReadInside", ActionClass::kReadInside, "yyyyyyyyy"},
                                  {"ReadOutside", ActionClass::kReadOutside, "?????ynny"},
                                  {"WriteInside", ActionClass::kWriteInside, "????yynyy"},
                                  {"WriteOutside", ActionClass::kWriteOutside, "?????ynny"},
                                  {"Network", ActionClass::kNetwork, "?????ynny"},
                                  {"NamedHost", ActionClass::kNamedHost, "yyyyyyyyy"},
                                  {"Other", ActionClass::kOther, "yyyyyyyyy"}};
constexpr struct {
  const char* name;
  ApprovalPolicy approval;
} kApprovals[] = {{"Untrusted", ApprovalPolicy::kUntrusted},
                  {"OnRequest", ApprovalPolicy::kOnRequest},
                  {"Never", ApprovalPolicy::kNever}};
constexpr struct {
  const char* name;
  SandboxMode mode;
} kModes[] = {{"ReadOnly", SandboxMode::kReadOnly},
              {"WorkspaceWrite", SandboxMode::kWorkspaceWrite},
              {"FullAccess", SandboxMode::kFullAccess}};

TEST(Matrix, HasNoOtherRows) { EXPECT_EQ(matrix().size(), std::size(kExpected)); }

/// Row, approval policy, mode.
class MatrixRowTest : public testing::TestWithParam<std::tuple<std::size_t, std::size_t, std::size_t>> {};

TEST_P(MatrixRowTest, IsDecidedAsItIsMeant) {
  const auto [row, approval, mode] = GetParam();
  const Circumstances circumstances{.approval = kApprovals[approval].approval, .mode = kModes[mode].mode};
  const char got = "y?n"[static_cast<int>(matrix_verdict(circumstances, kExpected[row].action))];
  EXPECT_EQ(got, kExpected[row].verdicts[approval * 3 + mode]) << matrix_rule(circumstances, kExpected[row].action);
}

INSTANTIATE_TEST_SUITE_P(Rows, MatrixRowTest,
                         testing::Combine(testing::Range<std::size_t>(0, std::size(kExpected)),
                                          testing::Range<std::size_t>(0, std::size(kApprovals)),
                                          testing::Range<std::size_t>(0, std::size(kModes))),
                         [](const auto& row) {
                           return std::string(kExpected[std::get<0>(row.param)].name) +
                                  kApprovals[std::get<1>(row.param)].name + kModes[std::get<2>(row.param)].name;
                         });

TEST(Matrix, ARuleSaysItself) {
  EXPECT_EQ(matrix_rule({}, ActionClass::kDangerousCommand),
            "approval policy on-request, workspace-write: a dangerous command asks");
}

}  // namespace
}  // namespace lathe::policy
