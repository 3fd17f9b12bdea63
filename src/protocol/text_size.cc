#include "lathe/protocol/text_size.h"

#include "lathe/protocol/codec.h"

namespace lathe::protocol {
namespace {

/// Of a number, a name or a bracket.
constexpr std::size_t kValueBytes = 8;

/// Goes through a message until it has seen enough.
class Count {
 public:
  explicit Count(std::size_t enough) : enough_(enough) {}
  [[nodiscard]] bool is_enough() const { return seen_ > enough_; }

  void json(const base::Json& value) {
    seen_ += kValueBytes;
    if (value.is_string()) seen_ += value.get_ref<const std::string&>().size();
    if (!value.is_structured()) return;
    for (const base::Json& member : value) {
      if (is_enough()) return;
      json(member);
    }
  }

  template <class T>
  void value(const T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      seen_ += value.size();
    } else if constexpr (std::is_same_v<T, base::Json>) {
      json(value);
    } else if constexpr (codec::is_optional<T>::value) {
      if (value) this->value(*value);
    } else if constexpr (codec::is_vector<T>::value) {
      for (const auto& element : value) {
        if (is_enough()) return;
        this->value(element);
      }
    } else if constexpr (codec::Union<T>) {
      std::visit([this](const auto& member) { this->value(member); }, value);
    } else if constexpr (Struct<T>) {
      seen_ += kValueBytes;
      std::apply([&](const auto&... field) { (this->value(value.*(field.member)), ...); }, T::fields());
    } else {
      seen_ += kValueBytes;
    }
  }

 private:
  const std::size_t enough_;
  std::size_t seen_ = 0;
};

}  // namespace

bool has_long_text(const EventMsg& msg, std::size_t bytes) {
  Count count(bytes);
  count.value(msg);
  return count.is_enough();
}

bool has_long_text(const ReplyMsg& reply, std::size_t bytes) {
  Count count(bytes);
  count.value(reply);
  return count.is_enough();
}

}  // namespace lathe::protocol
