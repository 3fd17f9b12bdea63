#include "lathe/policy/matrix.h"

#include <fmt/format.h>

#include <algorithm>

namespace lathe::policy {
namespace {

constexpr Verdict kYes = Verdict::kAllow;
constexpr Verdict kAsk = Verdict::kAsk;
constexpr Verdict kNo = Verdict::kDeny;

// clang-format off
constexpr std::array kMatrix{
    //                                                                untrusted         on-request        never
    MatrixRow{ActionClass::kSafeCommand,      "a known-safe command", {kYes, kYes, kYes, kYes, kYes, kYes, kYes, kYes, kYes}},
    MatrixRow{ActionClass::kCommand,          "a command",            {kAsk, kAsk, kAsk, kYes, kYes, kYes, kYes, kYes, kYes}},
    MatrixRow{ActionClass::kDangerousCommand, "a dangerous command",  {kAsk, kAsk, kAsk, kAsk, kAsk, kAsk, kNo,  kNo,  kNo}},
    MatrixRow{ActionClass::kOutsideSandbox,   "a command outside the sandbox",
                                                                      {kAsk, kAsk, kYes, kAsk, kAsk, kYes, kNo,  kNo,  kYes}},
    MatrixRow{ActionClass::kAskedFor,         "what the model wants a person to decide",
                                                                      {kAsk, kAsk, kAsk, kAsk, kAsk, kAsk, kNo,  kNo,  kNo}},
    MatrixRow{ActionClass::kReadInside,       "reading",              {kYes, kYes, kYes, kYes, kYes, kYes, kYes, kYes, kYes}},
    MatrixRow{ActionClass::kReadOutside,      "reading outside the working folder",
                                                                      {kAsk, kAsk, kAsk, kAsk, kAsk, kYes, kNo,  kNo,  kYes}},
    MatrixRow{ActionClass::kWriteInside,      "a change of a file in the working folder",
                                                                      {kAsk, kAsk, kAsk, kAsk, kYes, kYes, kNo,  kYes, kYes}},
    MatrixRow{ActionClass::kWriteOutside,     "a change of a file outside the working folder",
                                                                      {kAsk, kAsk, kAsk, kAsk, kAsk, kYes, kNo,  kNo,  kYes}},
    MatrixRow{ActionClass::kNetwork,          "reaching a host that no rule names",
                                                                      {kAsk, kAsk, kAsk, kAsk, kAsk, kYes, kNo,  kNo,  kYes}},
    MatrixRow{ActionClass::kNamedHost,        "reaching a host of allow-hosts",
                                                                      {kYes, kYes, kYes, kYes, kYes, kYes, kYes, kYes, kYes}},
    MatrixRow{ActionClass::kOther,            "any other tool",       {kYes, kYes, kYes, kYes, kYes, kYes, kYes, kYes, kYes}},
};
// clang-format on

const MatrixRow& row_of(ActionClass action) { return *std::ranges::find(kMatrix, action, &MatrixRow::action); }

std::size_t column(const Circumstances& circumstances) {
  std::size_t group = 0;
  switch (circumstances.approval) {
    case protocol::ApprovalPolicy::kUntrusted:
      group = 0;
      break;
    case protocol::ApprovalPolicy::kOnRequest:
      group = 1;
      break;
    case protocol::ApprovalPolicy::kNever:
      group = 2;
      break;
  }
  return group * 3 + static_cast<std::size_t>(circumstances.mode);
}

}  // namespace

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAllow:
      return "allow";
    case Verdict::kAsk:
      return "ask";
    case Verdict::kDeny:
      return "deny";
  }
  return "deny";
}

std::span<const MatrixRow> matrix() { return kMatrix; }

Verdict matrix_verdict(const Circumstances& circumstances, ActionClass action) {
  return row_of(action).verdicts[column(circumstances)];
}

std::string matrix_rule(const Circumstances& circumstances, ActionClass action) {
  const auto verb = [](Verdict verdict) {
    return verdict == Verdict::kAllow ? "is allowed" : verdict == Verdict::kAsk ? "asks" : "is refused";
  };
  return fmt::format("approval policy {}, {}: {} {}", protocol::name_of(circumstances.approval),
                     protocol::name_of(circumstances.mode), row_of(action).what,
                     verb(matrix_verdict(circumstances, action)));
}

}  // namespace lathe::policy
