#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// What the rules say, and what of a repository is trusted.

namespace lathe::protocol {

struct PolicyExplainReply {
  static constexpr std::string_view kType = "policy_explain";
  static constexpr std::string_view kDoc = "What the rules say, and which rule decided.";
  std::string decision;
  std::string rule;
  std::string source;
  std::string reason;
  std::vector<std::string> commands;
  std::vector<std::string> warnings;
  static constexpr auto fields() {
    using S = PolicyExplainReply;
    return std::tuple{required("decision", &S::decision, "allow, ask or deny"),
                      required("rule", &S::rule, "the rule that decided"),
                      required("source", &S::source, "where it stands: a file with its line, or \"built in\""),
                      optional("reason", &S::reason, "the rule's own words"),
                      optional("commands", &S::commands, "the simple commands that a shell makes of it"),
                      optional("warnings", &S::warnings, "files of rules that do not count, and why")};
  }
  friend bool operator==(const PolicyExplainReply&, const PolicyExplainReply&) = default;
};
struct PolicyExplain {
  using Reply = PolicyExplainReply;
  static constexpr std::string_view kType = "policy_explain";
  static constexpr std::string_view kDoc = "Decides about an action without doing it.";
  std::string command;
  std::string tool;
  std::optional<base::Json> arguments;
  std::string policy_file;
  std::string cwd;
  std::optional<ApprovalPolicy> approval_policy;
  std::optional<SandboxMode> sandbox_mode;
  static constexpr auto fields() {
    using S = PolicyExplain;
    return std::tuple{optional("command", &S::command, "a shell command; or a tool with its arguments"),
                      optional("tool", &S::tool, "name of a tool"),
                      optional("arguments", &S::arguments, "its arguments"),
                      optional("policy_file", &S::policy_file, "used as the person's own rules"),
                      optional("cwd", &S::cwd, "absolute folder whose project's rules count"),
                      optional("approval_policy", &S::approval_policy, "instead of the configured one"),
                      optional("sandbox_mode", &S::sandbox_mode, "instead of the configured one")};
  }
  friend bool operator==(const PolicyExplain&, const PolicyExplain&) = default;
};

struct PolicyTestReply {
  static constexpr std::string_view kType = "policy_test";
  static constexpr std::string_view kDoc = "How the examples of a rule file came out.";
  std::int64_t rules = 0;
  std::int64_t examples = 0;
  std::vector<std::string> failures;
  static constexpr auto fields() {
    using S = PolicyTestReply;
    return std::tuple{required("rules", &S::rules, "rules of the file"),
                      required("examples", &S::examples, "examples that were tried"),
                      optional("failures", &S::failures, "those that came out wrong, with their line")};
  }
  friend bool operator==(const PolicyTestReply&, const PolicyTestReply&) = default;
};
struct PolicyTest {
  using Reply = PolicyTestReply;
  static constexpr std::string_view kType = "policy_test";
  static constexpr std::string_view kDoc = "Runs the examples that stand inside a rule file.";
  std::string policy_file;
  static constexpr auto fields() {
    return std::tuple{required("policy_file", &PolicyTest::policy_file, "absolute path")};
  }
  friend bool operator==(const PolicyTest&, const PolicyTest&) = default;
};

struct TrustItem {
  static constexpr std::string_view kDoc = "One thing that a repository wants loaded or executed.";
  std::string path;
  std::string kind;
  std::string sha256;
  bool trusted = false;
  bool changed = false;
  bool gone = false;
  static constexpr auto fields() {
    using S = TrustItem;
    return std::tuple{
        required("path", &S::path, "from the repository's root"),
        required("kind", &S::kind, "config, policy, chain, agent, skill, hook or mcp_server"),
        required("sha256", &S::sha256, "hash of its content"),
        required("trusted", &S::trusted, "this very content is trusted"),
        optional("changed", &S::changed, "another content of it was trusted before"),
        optional("gone", &S::gone, "rules that were trusted and are no longer there; trust_set forgets them")};
  }
  friend bool operator==(const TrustItem&, const TrustItem&) = default;
};
struct TrustListReply {
  static constexpr std::string_view kType = "trust_list";
  static constexpr std::string_view kDoc = "What a repository wants loaded or executed.";
  std::string root;
  std::vector<TrustItem> items;
  static constexpr auto fields() {
    return std::tuple{required("root", &TrustListReply::root, "the repository's root"),
                      required("items", &TrustListReply::items, "sorted by path")};
  }
  friend bool operator==(const TrustListReply&, const TrustListReply&) = default;
};
struct TrustList {
  using Reply = TrustListReply;
  static constexpr std::string_view kType = "trust_list";
  static constexpr std::string_view kDoc = "Lists what a repository wants loaded or executed, by content hash.";
  std::string path;
  static constexpr auto fields() { return std::tuple{required("path", &TrustList::path, "absolute folder")}; }
  friend bool operator==(const TrustList&, const TrustList&) = default;
};
struct TrustSet {
  using Reply = TrustListReply;
  static constexpr std::string_view kType = "trust_set";
  static constexpr std::string_view kDoc = "Trusts these contents, or takes the trust back.";
  std::string path;
  std::vector<std::string> sha256;
  bool trusted = true;
  static constexpr auto fields() {
    return std::tuple{required("path", &TrustSet::path, "absolute folder"),
                      required("sha256", &TrustSet::sha256, "hashes as trust_list gave them"),
                      required("trusted", &TrustSet::trusted, "false takes it back")};
  }
  friend bool operator==(const TrustSet&, const TrustSet&) = default;
};

}  // namespace lathe::protocol
