#include <gtest/gtest.h>

#include "golden_file.h"
#include "lathe/base/json.h"
#include "lathe/config/settings.h"
#include "lathe/protocol/export.h"

namespace lathe::golden {
namespace {

TEST(Exports, ProtocolReference) { expect_file("docs/reference/protocol.md", protocol::reference_markdown()); }
TEST(Exports, ConfigReference) { expect_file("docs/reference/config.md", config::reference_markdown()); }
TEST(Exports, JsonSchema) {
  expect_file("tests/golden/protocol.schema.json", base::dump_json_pretty(protocol::json_schema()) + "\n");
}
TEST(Exports, Typescript) { expect_file("clients/typescript/src/protocol.ts", protocol::typescript()); }
TEST(Exports, OpenApi) {
  expect_file("docs/reference/openapi.json", base::dump_json_pretty(protocol::openapi()) + "\n");
}

}  // namespace
}  // namespace lathe::golden
