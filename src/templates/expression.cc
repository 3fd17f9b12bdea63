#include "lathe/templates/expression.h"

#include <fmt/format.h>

#include "lathe/base/strings.h"
#include "lathe/templates/go_date.h"

namespace lathe::templates {

using base::Error;
using base::Result;

namespace {

/// Work that a call does with its texts: so many bytes are a step. Who goes through a list counts its items.
constexpr std::size_t kBytesPerStep = 64;
constexpr std::size_t kMaxSuggested = 500;

/// ".a.b" up to the field `last`.
std::string name_up_to(const Operand& operand, std::size_t last) {
  std::string out = operand.variable;
  for (std::size_t i = 0; i <= last; ++i) out += "." + operand.fields[i];
  return out;
}

}  // namespace

Error too_deep() {
  return {.code = base::codes::kLimit,
          .message = fmt::format("blocks, parentheses and templates lie in each other more than {} deep", kMaxDepth)};
}

Error no_value(const Scope& scope, std::string_view name, std::string_view first) {
  std::vector<std::string> names;
  if (scope.values.is_object() && scope.values.size() <= kMaxSuggested && first.size() < kBytesPerStep) {
    for (auto member = scope.values.begin(); member != scope.values.end(); ++member) names.push_back(member.key());
  }
  std::string hint = base::did_you_mean(first, names);
  if (hint.empty() && name.starts_with('.'))
    hint = fmt::format("say what stands for it: {{{{{} | default \"…\"}}}}", name);
  return {.code = base::codes::kInvalid, .message = fmt::format("{} has no value", name), .hint = std::move(hint)};
}

Error Expressions::nothing(const Value& value) const {
  if (value.kind == Kind::kMissing && !value.text.empty()) {
    const std::string_view name = value.text;
    const std::size_t begin = name.find('.') + 1;
    return no_value(scope_, name, name.substr(begin, name.find('.', begin) - begin));
  }
  return {.code = base::codes::kInvalid,
          .message = "there is no value, but nil",
          .hint = "say what stands for it: … | default \"…\""};
}

Value* Expressions::find(std::string_view name) {
  for (auto variable = variables_.rbegin(); variable != variables_.rend(); ++variable) {
    if (variable->first == name) return &variable->second;
  }
  return nullptr;
}

void Expressions::set_range(const std::vector<std::string>& names, const Value& key, const Value& item) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (Value* const variable = find(names[i])) *variable = i + 1 < names.size() ? key : item;
  }
}

Expressions::Variables Expressions::begin_template(const Value& dollar) {
  return std::exchange(variables_, Variables{{"$", dollar}});
}

Result<Value> Expressions::declared(const Pipe& pipe, const Value& dot) {
  TRY(Value value, pipe_value(pipe, dot));
  for (const std::string& name : pipe.names) {
    if (!pipe.assigns) {
      variables_.emplace_back(name, value);
    } else if (Value* const variable = find(name)) {
      *variable = value;
    }
  }
  return value;
}

Result<Value> Expressions::pipe_value(const Pipe& pipe, const Value& dot) {
  std::optional<Value> value;
  for (const Command& each : pipe.commands) {
    if (!heap_.spend(1)) return heap_.error();
    TRY(value, command(each, dot, value));
  }
  return value.value_or(Value{});
}

Result<Value> Expressions::command(const Command& command, const Value& dot, const std::optional<Value>& piped) {
  const Operand& head = command.words.front();
  const auto words = std::span(command.words).subspan(1);
  if (head.kind == Operand::Kind::kFunction && head.fields.empty()) {
    if (head.function->name == kAnd || head.function->name == kOr) return lazy(*head.function, words, dot, piped);
    TRY(std::vector<Value> arguments, values(words, dot, piped));
    return call(*head.function, std::move(arguments));
  }
  TRY(const Value start, start_of(head, dot));
  TRY(const std::vector<Value> arguments, values(words, dot, piped));
  return fields_of(start, head, arguments);
}

Result<std::vector<Value>> Expressions::values(std::span<const Operand> words, const Value& dot,
                                               const std::optional<Value>& piped) {
  std::vector<Value> out;
  out.reserve(words.size() + 1);
  for (const Operand& word : words) {
    TRY(const Value value, operand(word, dot));
    out.push_back(value);
  }
  if (piped) out.push_back(*piped);
  return out;
}

Result<Value> Expressions::operand(const Operand& operand, const Value& dot) {
  TRY(const Value start, start_of(operand, dot));
  return fields_of(start, operand, {});
}

Result<Value> Expressions::start_of(const Operand& operand, const Value& dot) {
  switch (operand.kind) {
    case Operand::Kind::kDot:
      return dot;
    case Operand::Kind::kConstant: {
      Value constant = operand.constant;
      if (constant.kind == Kind::kText) constant.text = operand.constant_text;
      return constant;
    }
    case Operand::Kind::kVariable:
      if (const Value* const variable = find(operand.variable)) return *variable;
      return wrong(fmt::format("{} has no value yet", operand.variable));
    case Operand::Kind::kFunction:
      return call(*operand.function, {});
    case Operand::Kind::kPipe:
      break;
  }
  if (++depth_ > kMaxDepth) return too_deep();
  Result<Value> value = declared(operand.pipe.front(), dot);
  --depth_;
  return value;
}

Result<Value> Expressions::fields_of(Value value, const Operand& operand, std::span<const Value> arguments) {
  for (std::size_t i = 0; i < operand.fields.size(); ++i) {
    const std::string& name = operand.fields[i];
    if (value.kind == Kind::kTime && i + 1 == operand.fields.size()) return method(value, name, arguments);
    if (value.kind == Kind::kMap) {
      const std::optional<Value> member = member_of(value, name);
      value = member ? *member : missing_value(heap_.text(name_up_to(operand, i)).text);
    } else if (!value.absent()) {
      return wrong(fmt::format("{} cannot be taken of {}", name_up_to(operand, i), kind_name(value)));
    } else if (value.kind == Kind::kNil) {
      value = missing_value(heap_.text(name_up_to(operand, i)).text);
    }
  }
  if (!arguments.empty()) return wrong("a value takes no arguments: only functions do");
  return value;
}

Result<Value> Expressions::method(const Value& time, std::string_view name, std::span<const Value> arguments) {
  if (name == "Unix" && arguments.empty()) return int_value(time.whole);
  if (name == "Format" && arguments.size() == 1 && arguments[0].kind == Kind::kText) {
    return heap_.text(go_date(time.whole, arguments[0].text));
  }
  return wrong(fmt::format("a time has .Format with a layout, and .Unix, but no such .{}", name));
}

Result<Value> Expressions::lazy(const Function& function, std::span<const Operand> words, const Value& dot,
                                const std::optional<Value>& piped) {
  Value value;
  for (const Operand& word : words) {
    TRY(value, operand(word, dot));
    if (truth(value) == (function.name == kOr)) return value;
  }
  return piped ? *piped : value;
}

Result<Value> Expressions::call(const Function& function, std::vector<Value> arguments) {
  std::size_t work = 1;
  for (Value& argument : arguments) {
    work += argument.text.size() / kBytesPerStep;
    if (argument.kind != Kind::kMissing || function.missing == Function::Missing::kIsAnAnswer) continue;
    if (scope_.missing == Scope::Missing::kError) return nothing(argument);
    argument = {};
  }
  if (!heap_.spend(work)) return heap_.error();
  TRY_OK(function.check(arguments).within(function.name));
  Result<Value> value = function.call(heap_, arguments);
  if (heap_.exhausted()) return heap_.error();
  if (!value.ok()) return value.error().within(function.name);
  return value;
}

}  // namespace lathe::templates
