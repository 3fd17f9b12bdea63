#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/templates/tree.h"

namespace lathe::templates {

/// Blocks, parentheses and templates lie in each other at most so deep while a template is rendered: what one template
/// may have of each, and what templates that call each other add.
inline constexpr std::size_t kMaxDepth = 250;

[[nodiscard]] base::Error too_deep();
/// That what is written as `name` has no value; `first` is what it is looked up by in the scope.
[[nodiscard]] base::Error no_value(const Scope& scope, std::string_view name, std::string_view first);

/// The values of pipelines, and the variables that they see.
class Expressions final {
 public:
  Expressions(const Scope& scope, Heap& heap) : scope_(scope), heap_(heap) {}

  using Variables = std::vector<std::pair<std::string_view, Value>>;

  /// The value of a pipeline, which is also that of the variables that it names.
  [[nodiscard]] base::Result<Value> declared(const Pipe& pipe, const Value& dot);

  void declare(std::string_view name, const Value& value) { variables_.emplace_back(name, value); }
  /// One name gets the item; of two the first one gets its key.
  void set_range(const std::vector<std::string>& names, const Value& key, const Value& item);
  [[nodiscard]] std::size_t mark() const { return variables_.size(); }
  void forget(std::size_t mark) { variables_.resize(mark); }
  /// Inside of another template there is only its own "$".
  [[nodiscard]] Variables begin_template(const Value& dollar);
  void end_template(Variables outside) { variables_ = std::move(outside); }

  [[nodiscard]] std::size_t& depth() { return depth_; }
  /// What is wrong with a value that is none, where one is needed.
  [[nodiscard]] base::Error nothing(const Value& value) const;

 private:
  base::Result<Value> pipe_value(const Pipe& pipe, const Value& dot);
  base::Result<Value> command(const Command& command, const Value& dot, const std::optional<Value>& piped);
  base::Result<Value> operand(const Operand& operand, const Value& dot);
  base::Result<Value> start_of(const Operand& operand, const Value& dot);
  base::Result<Value> fields_of(Value value, const Operand& operand, std::span<const Value> arguments);
  base::Result<Value> method(const Value& time, std::string_view name, std::span<const Value> arguments);
  base::Result<Value> lazy(const Function& function, std::span<const Operand> words, const Value& dot,
                           const std::optional<Value>& piped);
  base::Result<Value> call(const Function& function, std::vector<Value> arguments);
  base::Result<std::vector<Value>> values(std::span<const Operand> words, const Value& dot,
                                          const std::optional<Value>& piped);
  Value* find(std::string_view name);

  const Scope& scope_;
  Heap& heap_;
  Variables variables_;
  std::size_t depth_ = 0;
};

}  // namespace lathe::templates
