#include "lathe/protocol/ops.h"

namespace lathe::protocol {

Op::Op() = default;
Op::Op(const Op& other) = default;
Op::Op(Op&& other) noexcept = default;
Op& Op::operator=(const Op& other) = default;
Op& Op::operator=(Op&& other) noexcept = default;
Op::~Op() = default;

bool operator==(const Op& left, const Op& right) {
  return static_cast<const AnyOp&>(left) == static_cast<const AnyOp&>(right);
}

}  // namespace lathe::protocol
