#include "lathe/policy/matrix.h"

#include <gtest/gtest.h>

#include <map>

namespace lathe::policy {
namespace {

using protocol::ApprovalPolicy;
using protocol::SandboxMode;

// "y" allowed, "?" asks, "n" refused; untrusted, on-request, never, each read-only, workspace-write, full-access.
const std::map<ActionClass, std::string> kExpected{
    {ActionClass::kSafeCommand, "yyyyyyyyy"},      {ActionClass::kCommand, "???yyyyyy"},
    {ActionClass::kDangerousCommand, "??????nnn"}, {ActionClass::kOutsideSandbox, "??y??ynny"},
    {ActionClass::kAskedFor, "??????nnn"},         {ActionClass::kRead, "yyyyyyyyy"},
    {ActionClass::kWriteInside, "????yynyy"},      {ActionClass::kWriteOutside, "?????ynny"},
    {ActionClass::kNetwork, "?????ynny"},          {ActionClass::kOther, "yyyyyyyyy"}};

TEST(Matrix, EveryRowIsAsItIsMeant) {
  ASSERT_EQ(matrix().size(), kExpected.size());
  for (const auto& [action, expected] : kExpected) {
    std::string got;
    for (const auto approval : {ApprovalPolicy::kUntrusted, ApprovalPolicy::kOnRequest, ApprovalPolicy::kNever}) {
      for (const auto mode : {SandboxMode::kReadOnly, SandboxMode::kWorkspaceWrite, SandboxMode::kFullAccess}) {
        got += "y?n"[static_cast<int>(matrix_verdict({.approval = approval, .mode = mode}, action))];
      }
    }
    EXPECT_EQ(got, expected) << matrix_rule({}, action);
  }
}

TEST(Matrix, ARuleSaysItself) {
  EXPECT_EQ(matrix_rule({}, ActionClass::kDangerousCommand),
            "approval policy on-request, workspace-write: a dangerous command asks");
}

}  // namespace
}  // namespace lathe::policy
