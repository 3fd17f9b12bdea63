#include "lathe/protocol/events.h"

namespace lathe::protocol {

EventMsg::EventMsg() = default;
EventMsg::EventMsg(const EventMsg& other) = default;
EventMsg::EventMsg(EventMsg&& other) noexcept = default;
EventMsg& EventMsg::operator=(const EventMsg& other) = default;
EventMsg& EventMsg::operator=(EventMsg&& other) noexcept = default;
EventMsg::~EventMsg() = default;

bool operator==(const EventMsg& left, const EventMsg& right) {
  return static_cast<const AnyEvent&>(left) == static_cast<const AnyEvent&>(right);
}

bool is_durable(const EventMsg& msg) {
  return std::visit([]<class T>(const T&) { return !requires { T::kPassing; }; }, msg);
}

std::string_view type_of(const EventMsg& msg) {
  return std::visit([]<class T>(const T&) { return T::kType; }, msg);
}

}  // namespace lathe::protocol
