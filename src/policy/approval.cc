#include "lathe/policy/approval.h"

namespace lathe::policy {

PolicyDecision decide(protocol::ApprovalPolicy policy, const ActionFacts& action) {
  switch (policy) {
    case protocol::ApprovalPolicy::kNever:
      if (action.ask_requested) {
        return {Verdict::kDeny, "approval policy never: nobody is asked, so what needs a person is refused"};
      }
      return {Verdict::kAllow, "approval policy never"};
    case protocol::ApprovalPolicy::kOnRequest:
      if (action.ask_requested) return {Verdict::kAsk, "approval policy on-request: the model asked for a person"};
      return {Verdict::kAllow, "approval policy on-request"};
    case protocol::ApprovalPolicy::kUntrusted:
      if (action.kind == ActionFacts::Kind::kCommand) {
        return {Verdict::kAsk, "approval policy untrusted: every command asks"};
      }
      if (action.kind == ActionFacts::Kind::kFileChange) {
        return {Verdict::kAsk, "approval policy untrusted: every change of a file asks"};
      }
      if (action.ask_requested) return {Verdict::kAsk, "approval policy untrusted: the model asked for a person"};
      return {Verdict::kAllow, "approval policy untrusted: reads are allowed"};
  }
  return {Verdict::kDeny, "no such policy"};
}

}  // namespace lathe::policy
