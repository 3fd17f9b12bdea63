#include "lathe/policy/approval.h"

#include <gtest/gtest.h>

namespace lathe::policy {
namespace {

using Kind = ActionFacts::Kind;
using protocol::ApprovalPolicy;

struct Row {
  ApprovalPolicy policy;
  Kind kind;
  bool ask_requested;
  Verdict expected;
};

class ApprovalTable : public ::testing::TestWithParam<Row> {};

TEST_P(ApprovalTable, Decides) {
  const Row& row = GetParam();
  const PolicyDecision decision = decide(row.policy, {.kind = row.kind, .ask_requested = row.ask_requested});
  EXPECT_EQ(decision.verdict, row.expected);
  EXPECT_NE(decision.rule.find(protocol::name_of(row.policy)), std::string::npos) << decision.rule;
}

INSTANTIATE_TEST_SUITE_P(Rows, ApprovalTable,
                         ::testing::Values(Row{ApprovalPolicy::kNever, Kind::kCommand, false, Verdict::kAllow},
                                           Row{ApprovalPolicy::kNever, Kind::kCommand, true, Verdict::kDeny},
                                           Row{ApprovalPolicy::kNever, Kind::kFileChange, false, Verdict::kAllow},
                                           Row{ApprovalPolicy::kNever, Kind::kRead, false, Verdict::kAllow},
                                           Row{ApprovalPolicy::kOnRequest, Kind::kCommand, false, Verdict::kAllow},
                                           Row{ApprovalPolicy::kOnRequest, Kind::kCommand, true, Verdict::kAsk},
                                           Row{ApprovalPolicy::kOnRequest, Kind::kFileChange, false, Verdict::kAllow},
                                           Row{ApprovalPolicy::kOnRequest, Kind::kOther, true, Verdict::kAsk},
                                           Row{ApprovalPolicy::kUntrusted, Kind::kCommand, false, Verdict::kAsk},
                                           Row{ApprovalPolicy::kUntrusted, Kind::kFileChange, false, Verdict::kAsk},
                                           Row{ApprovalPolicy::kUntrusted, Kind::kRead, false, Verdict::kAllow},
                                           Row{ApprovalPolicy::kUntrusted, Kind::kOther, false, Verdict::kAllow},
                                           Row{ApprovalPolicy::kUntrusted, Kind::kOther, true, Verdict::kAsk}));

}  // namespace
}  // namespace lathe::policy
