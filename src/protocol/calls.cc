#include "lathe/protocol/calls.h"

namespace lathe::protocol {

Call::Call() = default;
Call::Call(const Call& other) = default;
Call::Call(Call&& other) noexcept = default;
Call& Call::operator=(const Call& other) = default;
Call& Call::operator=(Call&& other) noexcept = default;
Call::~Call() = default;

bool operator==(const Call& left, const Call& right) {
  return static_cast<const AnyCall&>(left) == static_cast<const AnyCall&>(right);
}

ReplyMsg::ReplyMsg() = default;
ReplyMsg::ReplyMsg(const ReplyMsg& other) = default;
ReplyMsg::ReplyMsg(ReplyMsg&& other) noexcept = default;
ReplyMsg& ReplyMsg::operator=(const ReplyMsg& other) = default;
ReplyMsg& ReplyMsg::operator=(ReplyMsg&& other) noexcept = default;
ReplyMsg::~ReplyMsg() = default;

bool operator==(const ReplyMsg& left, const ReplyMsg& right) {
  return static_cast<const AnyReply&>(left) == static_cast<const AnyReply&>(right);
}

}  // namespace lathe::protocol
