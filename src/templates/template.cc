#include "lathe/templates/template.h"

#include <algorithm>
#include <utility>

#include "lathe/templates/evaluator.h"
#include "lathe/templates/lexer.h"
#include "lathe/templates/macros.h"
#include "lathe/templates/print.h"
#include "lathe/templates/tree.h"

namespace lathe::templates {

using base::Result;

namespace {

/// Where a macro had its place: as it is, when that reads as text there, and else as the constant {{"…"}}.
std::string written(const Hole& hole, Syntax syntax) {
  const std::string& value = *hole.filled;
  if (syntax == Syntax::kDollar) return value;
  const bool edges =
      value.empty() || is_blank(value.front()) || is_blank(value.back()) || value.front() == '{' || value.back() == '{';
  const bool plain = !edges && !hole.trims_left && !hole.trims_right && value.find("{{") == std::string::npos;
  if (plain) return value;
  return (hole.trims_left ? "{{- " : "{{") + go_quoted(value) + (hole.trims_right ? " -}}" : "}}");
}

void note_macros(Template::Tree& tree) {
  tree.macros.clear();
  for (const Hole& hole : tree.holes) {
    if (!hole.filled) tree.macros.push_back(hole.macro);
  }
}

}  // namespace

Template Template::parse(std::string_view text, Syntax syntax, std::vector<Fault>& faults) {
  const std::size_t before = faults.size();
  auto tree =
      std::make_shared<Tree>(syntax == Syntax::kBraces ? parse_braces(text, faults) : parse_dollars(text, faults));
  note_macros(*tree);
  if (faults.size() > before) {
    std::ranges::sort(faults.begin() + static_cast<std::ptrdiff_t>(before), faults.end(), {}, &Fault::at);
    tree->root.clear();
    tree->defined.clear();
  }
  Template out;
  out.tree_ = std::move(tree);
  return out;
}

const std::string& Template::text() const {
  static const std::string kNone;
  if (tree_ == nullptr) return kNone;
  return tree_->expanded ? *tree_->expanded : tree_->source;
}

bool Template::constant() const {
  if (tree_ == nullptr) return true;
  return std::ranges::all_of(tree_->root, [&](const Node& node) {
    return node.kind == Node::Kind::kText || (node.kind == Node::Kind::kMacro && tree_->holes[node.index].filled);
  });
}

const std::vector<Variable>& Template::variables() const {
  static const std::vector<Variable> kNone;
  return tree_ == nullptr ? kNone : tree_->variables;
}

const std::vector<Macro>& Template::macros() const {
  static const std::vector<Macro> kNone;
  return tree_ == nullptr ? kNone : tree_->macros;
}

Result<std::string> Template::render(const Scope& scope) const {
  if (tree_ == nullptr) return std::string();
  return evaluate(*tree_, scope);
}

Result<Template> Template::with_macros(
    const std::function<Result<std::optional<std::string>>(const Macro&)>& expand) const {
  if (macros().empty()) return *this;
  auto tree = std::make_shared<Tree>(*tree_);
  std::string expanded;
  Offset done = 0;
  for (Hole& hole : tree->holes) {
    const std::string_view before = std::string_view(text()).substr(done, hole.begin - done);
    const std::string_view place = std::string_view(text()).substr(hole.begin, hole.end - hole.begin);
    done = hole.end;
    expanded += before;
    hole.begin = expanded.size();
    if (!hole.filled) {
      TRY(hole.filled, expand(hole.macro));
      expanded += hole.filled ? written(hole, tree->syntax) : std::string(place);
    } else {
      expanded += place;
    }
    hole.end = expanded.size();
  }
  expanded += std::string_view(text()).substr(done);
  tree->expanded = std::move(expanded);
  note_macros(*tree);
  Template out;
  out.tree_ = std::move(tree);
  return out;
}

}  // namespace lathe::templates
