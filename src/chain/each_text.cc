#include "lathe/chain/each_text.h"

#include <span>
#include <type_traits>
#include <vector>

#include "lathe/chain/fields.h"

namespace lathe::chain {
namespace {

/// A visitor of fields.h.
class TextVisitor final {
 public:
  explicit TextVisitor(const SeeText& see) : see_(see) {}

  template <class T>
  void value(std::string_view name, const Given<T>& given, std::string_view) {
    if constexpr (std::is_same_v<T, templates::Template>) {
      if (given) see_(name, given);
    }
  }
  void loose(std::string_view name, const Text& text, std::string_view) {
    if (text) see_(name, text);
  }
  template <class T>
  void special(std::string_view, const T&, std::string_view) {}
  template <class T>
  void choice(std::string_view, const T&, std::span<const std::string_view>, std::string_view) {}
  template <class T>
  void object(std::string_view, const Given<T>& given, std::string_view) {
    if (given) fields(*this, given.value);
  }
  void object(std::string_view, const Transition& transition, std::string_view) { fields(*this, transition); }
  void list(std::string_view name, const Texts& texts, std::string_view) {
    for (const Text& text : texts) see_(name, text);
  }
  void list(std::string_view, const Names&, std::string_view) {}
  void list(std::string_view, const std::vector<Branch>& branches, std::string_view) {
    for (const Branch& branch : branches) fields(*this, branch);
  }
  template <class T>
  void list(std::string_view, const std::vector<T>& items, std::string_view) {
    for (const T& item : items) fields(*this, item);
  }
  void listed(std::string_view name, const Given<Texts>& texts, std::string_view) { list(name, texts.value, ""); }
  void named(std::string_view, const std::vector<NamedText>& texts, std::string_view) {
    for (const NamedText& text : texts) {
      if (text.value) see_(text.name, text.value);
    }
  }
  void named(std::string_view, const std::vector<ToolPolicy>& policies, std::string_view) {
    for (const ToolPolicy& policy : policies) named("", policy.keys, "");
  }
  void named(std::string_view, const std::vector<Input>&, std::string_view) {}

 private:
  const SeeText& see_;
};

}  // namespace

void each_text(const Task& task, const SeeText& see) {
  TextVisitor visitor(see);
  fields(visitor, task);
  std::visit([&](const auto& does) { fields(visitor, does); }, task.does);
}

void each_text_outside(const Chain& chain, const SeeText& see) {
  for (const NamedText& param : chain.entry_params) {
    if (param.value) see(param.name, param.value);
  }
  if (chain.summary) see("summary", chain.summary);
}

}  // namespace lathe::chain
