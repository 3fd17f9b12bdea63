#include "lathe/chain/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "lathe/base/strings.h"
#include "lathe/chain/defaults.h"
#include "lathe/chain/reader.h"
#include "lathe/formats/read.h"

namespace lathe::chain {

using formats::Node;

namespace {

/// The error of a reader, "file:3:7: message", as a finding.
Finding finding_of(const base::Error& error, const std::string& file) {
  Finding finding{.id = "not-readable", .at = {}, .message = error.message, .hint = error.hint};
  std::string_view rest = error.message;
  if (rest.starts_with(file + ":")) {
    rest.remove_prefix(file.size() + 1);
    const auto number = [&rest](std::size_t& out) {
      const auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), out);
      if (failed == std::errc{}) rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
    };
    number(finding.at.line);
    number(finding.at.column);
    finding.message = std::string(base::trim(rest));
  }
  if (error.code == base::codes::kLimit) finding.id = "over-limit";
  if (finding.message.ends_with("is given twice")) finding.id = "duplicate-key";
  if (finding.message.contains("indented with a tab")) finding.id = "yaml-tab";
  return finding;
}

const std::vector<std::string>& our_task_keys() {
  static const std::vector<std::string> keys = {"next", "session", "budget"};
  return keys;
}

bool is_ours(const Node& root, const std::string& file) {
  if (!file.ends_with(".json")) return true;
  for (const std::string_view key : {"version", "inputs", "defaults", "budget", "unattended"}) {
    if (root.find(key) != nullptr) return true;
  }
  const Node* tasks = root.find("tasks");
  if (tasks == nullptr || tasks->list() == nullptr) return false;
  constexpr std::size_t kContenoxHandlers = 6;
  const std::vector<std::string> ours(handler_names().begin() + kContenoxHandlers, handler_names().end());
  return std::ranges::any_of(*tasks->list(), [&](const Node& task) {
    const Node* handler = task.find("handler");
    const std::string* name = handler == nullptr ? nullptr : handler->text();
    return (name != nullptr && std::ranges::find(ours, *name) != ours.end()) ||
           std::ranges::any_of(our_task_keys(), [&](const std::string& key) { return task.find(key) != nullptr; });
  });
}

/// The fields of all handlers but the six of the task itself.
const std::vector<std::string>& fields_of_all_handlers() {
  static const std::vector<std::string> all = [] {
    FieldNames collector;
    for (const std::string& name : handler_names()) {
      Does does = *make_handler(name);
      std::visit([&](auto& handler) { fields(collector, handler); }, does);
    }
    return collector.names;
  }();
  return all;
}

void check_id(const Name& id, std::string_view what, Reading& reading) {
  const auto add = [&](std::string message, std::string hint = "") {
    reading.findings.add("bad-id", id.at, std::move(message), std::move(hint));
  };
  if (id->empty()) return add(fmt::format("the id of {} is empty", what));
  if (*id == kEnd || *id == "input" || *id == "previous_output" || *id == "last_error") {
    return add(fmt::format("\"{}\" is reserved", *id), "take another id");
  }
  if (id->find_first_of(" \t\n\"'|>{}()$.") != std::string::npos) {
    add(fmt::format("\"{}\" cannot be used as a name", *id), "take letters, digits, \"_\" and \"-\"");
  }
}

void check_ids(const Chain& chain, Reading& reading) {
  std::set<std::string_view> seen;
  for (const Task& task : chain.tasks) {
    if (!task.id) continue;
    check_id(task.id, "a task", reading);
    if (seen.insert(*task.id).second) continue;
    const Task* first = chain.find(*task.id);
    reading.findings.add("duplicate-task", task.id.at, fmt::format("there are two tasks \"{}\"", *task.id),
                         fmt::format("the first is in line {}", first->id.at.line));
  }
}

Chain read_chain(const Node& root, const std::string& file, Reading& reading) {
  Chain chain;
  chain.file = file;
  chain.source = reading.source;
  chain.dialect = reading.dialect;
  chain.at = root.at;
  Reader reader(root, reading);
  fields(reader, chain);
  reader.finish();
  if (chain.version && *chain.version != 1) {
    reading.findings.add("unsupported-version", chain.version.at,
                         fmt::format("version {} is not known", *chain.version), "write 1");
  }
  if (chain.tasks.empty()) {
    const Node* tasks = root.find("tasks");
    reading.findings.add("empty-chain", tasks == nullptr ? root.at : tasks->at, "there is no task");
  }
  check_ids(chain, reading);
  return chain;
}

bool looks_like_a_chain(const Node& root) {
  if (root.map() == nullptr) return false;
  return root.find("workflows") != nullptr || root.find("tasks") != nullptr || root.find("id") != nullptr;
}

void read_next(const Node& node, Task& task, Reading& reading) {
  if (!task.transition.branches.empty()) {
    reading.findings.add("several-defaults", node.at, "\"next\" stands beside branches of \"transition\"",
                         "write it as their default");
    return;
  }
  Branch branch{.at = node.at, .op = {.value = Operator::kDefault, .at = node.at, .from = {}}, .when = {}, .edge = {}};
  branch.op.from = Given<Operator>::From::kFile;
  if (!read_given(node, branch.go_to, reading)) return;
  task.transition.at = node.at;
  task.transition.branches.push_back(std::move(branch));
}

}  // namespace

void Reader::read_map(const Node& node, Task& task) {
  Reader reader(node, reading_);
  fields(reader, task);
  if (!task.id && node.map() != nullptr) reading_.missing(node.at, "the task", "id");
  if (const Node* next = reader.take("next")) read_next(*next, task, reading_);
  const Node* handler = reader.take("handler");
  const std::string what = task.id ? fmt::format("task \"{}\"", *task.id) : "the task";
  std::string name;
  if (handler == nullptr) {
    if (node.map() != nullptr) reading_.missing(node.at, what, "handler");
    return;
  }
  task.handler_at = handler->at;
  if (!read_value(*handler, name, reading_)) return;
  auto does = make_handler(name);
  if (!does) {
    reading_.findings.unknown("unknown-handler", handler->at, fmt::format("{}: there is no handler \"{}\"", what, name),
                              name, handler_names());
    return;
  }
  task.does = *std::move(does);
  std::visit([&](auto& own) { fields(reader, own); }, task.does);
  reader.finish(fields_of_all_handlers(), fmt::format("with the handler \"{}\"", name));
}

void Reader::read_map(const Node& node, Branch& branch) {
  Reader reader(node, reading_);
  fields(reader, branch);
  if (node.map() != nullptr && node.find("operator") == nullptr) {
    reading_.missing(node.at, "the branch", "operator", "write operator: default where it is always taken");
  }
  reader.finish();
}

Loaded load(std::string_view text, const std::string& file, LoadOptions options) {
  Loaded loaded;
  auto document = formats::read_document(text, file);
  if (!document.ok()) {
    loaded.findings.push_back(finding_of(document.error(), file));
    return loaded;
  }
  const Node& root = document->root;
  Findings findings(options.unknown_fields == LoadOptions::UnknownFields::kError ? Findings::UnknownFields::kError
                                                                                 : Findings::UnknownFields::kWarning);
  if (root.is_null()) {
    findings.add("empty-chain", root.at, "the file is empty");
  } else if (!looks_like_a_chain(root)) {
    findings.add("not-a-chain", root.at, "this is no chain: it has neither \"tasks\" nor \"workflows\"");
  } else {
    const bool vix = root.find("workflows") != nullptr;
    const Dialect dialect = vix ? Dialect::kVix : is_ours(root, file) ? Dialect::kLathe : Dialect::kContenox;
    findings.set_dialect(dialect);
    Reading reading{.findings = findings, .source = std::make_shared<const std::string>(text), .dialect = dialect};
    if (vix) {
      loaded.chains = read_vix(root, file, reading);
    } else {
      loaded.chains.push_back(read_chain(root, file, reading));
    }
    for (Chain& chain : loaded.chains) apply_defaults(chain);
  }
  loaded.findings = std::move(findings).sorted();
  return loaded;
}

}  // namespace lathe::chain
