#include "lathe/protocol/edit_strings.h"

#include "lathe/protocol/codec.h"

namespace lathe::protocol {
namespace {

using Edit = std::function<void(std::string&)>;

void edit_json(base::Json& value, const Edit& edit) {
  if (value.is_string()) {
    edit(value.get_ref<std::string&>());
  } else if (value.is_structured()) {
    for (base::Json& member : value) edit_json(member, edit);
  }
}

template <class T>
void edit_value(T& value, const Edit& edit) {
  if constexpr (std::is_same_v<T, std::string>) {
    edit(value);
  } else if constexpr (std::is_same_v<T, base::Json>) {
    edit_json(value, edit);
  } else if constexpr (codec::is_optional<T>::value) {
    if (value) edit_value(*value, edit);
  } else if constexpr (codec::is_vector<T>::value) {
    for (auto& element : value) edit_value(element, edit);
  } else if constexpr (codec::Union<T>) {
    std::visit([&](auto& member) { edit_value(member, edit); }, value);
  } else if constexpr (Struct<T>) {
    std::apply([&](const auto&... field) { (edit_value(value.*(field.member), edit), ...); }, T::fields());
  }
}

}  // namespace

void edit_strings(EventMsg& msg, const Edit& edit) { edit_value(msg, edit); }

}  // namespace lathe::protocol
