#include <gtest/gtest.h>

#include "lathe/fakes/memory_blob_store.h"
#include "lathe/fakes/memory_task_host.h"
#include "lathe/fakes/scripted_model.h"

namespace lathe::fakes {
namespace {

ports::ModelItem call(std::string id) { return ports::AssistantCallItem{{.call_id = std::move(id), .tool = "t"}}; }
ports::ModelItem result(std::string id) {
  ports::ToolResultItem item;
  item.call_id = std::move(id);
  return item;
}
ports::ModelItem text() { return ports::AssistantTextItem{"x"}; }

TEST(PairingProblem, HoldsEveryCallToOneResultInOrder) {
  EXPECT_EQ(pairing_problem({text(), call("a"), call("b"), result("a"), result("b"), text(), call("c"), result("c")}),
            "");
  EXPECT_EQ(pairing_problem({call("a")}), "call a has no result");
  EXPECT_EQ(pairing_problem({call("a"), text()}), "call a is not followed by its result");
  EXPECT_EQ(pairing_problem({call("a"), call("b"), result("b")}), "result of b is out of order");
  EXPECT_EQ(pairing_problem({call("a"), result("a"), result("a")}), "result of a has no call");
  EXPECT_EQ(pairing_problem({call("a"), call("b"), result("a"), text()}), "call b has no result");
}

TEST(MemoryBlobStore, KeepsBytesByTheirHash) {
  MemoryBlobStore blobs;
  const std::string hash = *blobs.put("abc");
  EXPECT_EQ(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(*blobs.get(hash, 3), "abc");
  EXPECT_EQ(blobs.get(hash, 2).error().code, "limit_exceeded");
  EXPECT_EQ(blobs.get("other", 9).error().code, "not_found");
  const auto writer = *blobs.writer();
  ASSERT_TRUE(writer->write("a").ok());
  ASSERT_TRUE(writer->write("bc").ok());
  EXPECT_EQ(*writer->finish(), hash);
}

TEST(MemoryTaskHost, FoldsWhatIsRecorded) {
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  MemoryTaskHost host(loop);
  host.start_task("hello");
  ASSERT_EQ(host.state().conversation.entries.size(), 1U);
  EXPECT_TRUE(host.state().task.has_value());
  host.end_task({.kind = ports::TaskEnd::Kind::kComplete});
  EXPECT_FALSE(host.state().task.has_value());
}

}  // namespace
}  // namespace lathe::fakes
