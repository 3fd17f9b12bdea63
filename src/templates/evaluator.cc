#include "lathe/templates/evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/templates/expression.h"
#include "lathe/templates/go_date.h"
#include "lathe/templates/macros.h"
#include "lathe/templates/print.h"

// Walks a tree and writes its text. What {{if}}, {{range}} and {{with}} declare ends with them.

namespace lathe::templates {

using base::Error;
using base::Result;

namespace {

constexpr std::size_t kShownAction = 80;

class Walker {
 public:
  Walker(const Template::Tree& tree, const Scope& scope)
      : tree_(tree), scope_(scope), heap_(scope.max_bytes, scope.now_seconds), expressions_(scope, heap_) {}

  Result<std::string> run() {
    const Value root = json_value(scope_.values);
    expressions_.declare("$", root);
    TRY_OK(walk(tree_.root, root));
    return std::move(out_);
  }

 private:
  enum class Flow { kOn, kBreak, kContinue };

  /// Something that lies in something; undone by its destructor.
  class Deeper {
   public:
    explicit Deeper(std::size_t& depth) : depth_(depth) { ++depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    ~Deeper() { --depth_; }

   private:
    std::size_t& depth_;
  };

  Result<void> write(std::string_view text) {
    if (text.size() > scope_.max_bytes - std::min(scope_.max_bytes, out_.size())) {
      return Error{.code = base::codes::kLimit,
                   .message = fmt::format("the text becomes longer than {} bytes", scope_.max_bytes)};
    }
    out_ += text;
    return {};
  }

  [[nodiscard]] Error located(Offset at, Offset end, Error error) const {
    const std::string_view whole = std::string_view(tree_.source).substr(at, end - at);
    std::string shown(base::utf8_prefix(whole, kShownAction));
    std::ranges::replace(shown, '\n', ' ');
    return error.within(fmt::format("{}{} at byte {}", shown, shown.size() < whole.size() ? "…" : "", at));
  }

  Result<Flow> walk(const std::vector<Node>& nodes, const Value& dot) {
    const Deeper deeper(expressions_.depth());
    if (expressions_.depth() > kMaxDepth) return too_deep();
    for (const Node& node : nodes) {
      if (!heap_.spend(1)) return heap_.error();
      TRY(const Flow flow, one(node, dot));
      if (flow != Flow::kOn) return flow;
    }
    return Flow::kOn;
  }

  Result<Flow> one(const Node& node, const Value& dot) {
    switch (node.kind) {
      case Node::Kind::kText:
        TRY_OK(write(node.text));
        return Flow::kOn;
      case Node::Kind::kMacro:
        TRY_OK(macro(tree_.holes[node.index]));
        return Flow::kOn;
      case Node::Kind::kName:
        TRY_OK(name(node));
        return Flow::kOn;
      case Node::Kind::kAction:
        TRY_OK(action(node, dot));
        return Flow::kOn;
      case Node::Kind::kTemplate:
        TRY_OK(other(node, dot));
        return Flow::kOn;
      case Node::Kind::kBreak:
        return Flow::kBreak;
      case Node::Kind::kContinue:
        return Flow::kContinue;
      case Node::Kind::kBranches:
        break;
    }
    const std::size_t mark = expressions_.mark();
    Result<Flow> flow = branches(node, dot);
    expressions_.forget(mark);
    return flow;
  }

  Result<void> macro(const Hole& hole) {
    if (hole.filled) return write(*hole.filled);
    const Macro& macro = hole.macro;
    const bool own = tree_.syntax == Syntax::kBraces && (macro.space == "date" || macro.space == "now");
    if (own) {
      const std::string_view usual = macro.space == "date" ? kDateLayout : kNowLayout;
      return write(go_date(scope_.now_seconds, macro.argument.empty() ? usual : macro.argument));
    }
    Result<std::string> value =
        scope_.macro
            ? scope_.macro(macro)
            : Result<std::string>(Error{.code = base::codes::kInvalid,
                                        .message = fmt::format("the macro {} has no value here", macro_text(macro))});
    if (!value.ok()) return located(hole.macro.at, hole.macro.at + source_size(hole), value.error());
    return write(*value);
  }

  /// How long the macro is in the source, where filled ones before it have not moved it.
  [[nodiscard]] static std::size_t source_size(const Hole& hole) { return hole.end - hole.begin; }

  /// $(a.b): text as it is, anything else as JSON over lines.
  Result<void> name(const Node& node) {
    const Variable& variable = tree_.variables[node.index];
    const base::Json* value = &scope_.values;
    for (const std::string& part : variable.path) {
      if (value != nullptr && value->is_object() && value->contains(part)) {
        value = &(*value)[part];
      } else {
        value = nullptr;
      }
    }
    if (value == nullptr) {
      const std::string_view written = std::string_view(tree_.source).substr(node.at, node.end - node.at);
      if (scope_.missing == Scope::Missing::kAsWritten) return write(written);
      return located(node.at, node.end, no_value(scope_, written, variable.path.front()));
    }
    return write(value->is_string() ? value->get_ref<const std::string&>() : base::dump_json_pretty(*value));
  }

  Result<void> action(const Node& node, const Value& dot) {
    const Pipe& pipe = node.pipe.front();
    Result<Value> value = expressions_.declared(pipe, dot);
    if (!value.ok()) return located(node.at, node.end, std::move(value).error());
    if (!pipe.names.empty()) return {};
    if (value->absent()) {
      if (scope_.missing == Scope::Missing::kAsWritten) return write("<no value>");
      return located(node.at, node.end, expressions_.nothing(*value));
    }
    if (value->kind == Kind::kText) return write(value->text);
    const std::string text = printed(heap_, *value);
    if (heap_.exhausted()) return located(node.at, node.end, heap_.error());
    return write(text);
  }

  Result<void> other(const Node& node, const Value& dot) {
    Value value;
    if (!node.pipe.empty()) {
      Result<Value> given = expressions_.declared(node.pipe.front(), dot);
      if (!given.ok()) return located(node.at, node.end, std::move(given).error());
      value = *given;
    }
    auto outside = expressions_.begin_template(value);
    Result<Flow> flow = walk(tree_.defined.find(node.text)->second, value);
    expressions_.end_template(std::move(outside));
    if (!flow.ok()) return std::move(flow).error();
    return {};
  }

  Result<Flow> branches(const Node& node, const Value& dot) {
    for (const Branch& branch : node.branches) {
      if (branch.kind == Branch::Kind::kRange) return range(node, branch, dot);
      Result<Value> value = expressions_.declared(branch.pipe, dot);
      if (!value.ok()) return located(branch.at, branch.end, std::move(value).error());
      if (truth(*value)) return walk(branch.body, branch.kind == Branch::Kind::kWith ? *value : dot);
    }
    return walk(node.otherwise, dot);
  }

  Result<Flow> range(const Node& node, const Branch& branch, const Value& dot) {
    Result<Value> over = expressions_.declared(branch.pipe, dot);
    if (!over.ok()) return located(branch.at, branch.end, std::move(over).error());
    if (over->kind == Kind::kMissing && scope_.missing == Scope::Missing::kError) {
      return located(branch.at, branch.end, expressions_.nothing(*over));
    }
    const bool countable = over->kind == Kind::kList || over->kind == Kind::kMap || over->kind == Kind::kInt;
    if (!countable && !over->absent()) {
      return located(branch.at, branch.end,
                     wrong(fmt::format("range goes over lists, maps and whole numbers, not {}", kind_name(*over))));
    }
    const auto members = over->kind == Kind::kMap ? members_of(*over) : decltype(members_of(*over)){};
    const std::int64_t count = over->kind == Kind::kInt ? over->whole : static_cast<std::int64_t>(size_of(*over));
    if (count <= 0) return walk(node.otherwise, dot);
    const std::size_t mark = expressions_.mark();
    for (std::int64_t i = 0; i < count; ++i) {
      if (!heap_.spend(1)) return located(branch.at, branch.end, heap_.error());
      const auto at = static_cast<std::size_t>(i);
      const bool map = over->kind == Kind::kMap;
      const Value key = map ? text_value(members[at].first) : int_value(i);
      const Value item = map ? members[at].second : over->kind == Kind::kList ? item_of(*over, at) : key;
      expressions_.set_range(branch.pipe.names, key, item);
      Result<Flow> flow = walk(branch.body, item);
      expressions_.forget(mark);
      if (!flow.ok()) return flow;
      if (*flow == Flow::kBreak) break;
    }
    return Flow::kOn;
  }

  const Template::Tree& tree_;
  const Scope& scope_;
  Heap heap_;
  Expressions expressions_;
  std::string out_;
};

}  // namespace

Result<std::string> evaluate(const Template::Tree& tree, const Scope& scope) { return Walker(tree, scope).run(); }

}  // namespace lathe::templates
