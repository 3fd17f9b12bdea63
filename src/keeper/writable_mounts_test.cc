#include "lathe/keeper/program/writable_mounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::keeper {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(WritableMounts, AreThoseThatNeitherTheMountNorTheFileSystemKeepsFromIt) {
  EXPECT_THAT(writable_mounts("20 1 0:30 / / ro,nosuid - tmpfs tmpfs rw\n"
                              "21 20 8:1 /home/ada/w /home/ada/w rw,relatime master:1 shared:2 - ext4 /dev/sda1 rw\n"
                              "22 21 0:40 / /home/ada/w/a\\040disk rw - tmpfs small rw,size=64k\n"
                              "23 21 7:0 / /home/ada/w/image rw - squashfs /dev/loop0 ro\n"
                              "24 20 0:41 / /proc rw - proc proc rw\n"
                              "25 20 0:42 / /dev/shm rw - tmpfs shm rw\n"
                              "26 20 0:43 / /development rw - tmpfs x rw"),
              ElementsAre("/home/ada/w", "/home/ada/w/a disk", "/development"));
}

TEST(WritableMounts, WhatIsNoLineOfMountsIsPassedOver) {
  EXPECT_THAT(writable_mounts(""), IsEmpty());
  EXPECT_THAT(writable_mounts("\n1 2 3\n1 2 3 / /x rw - ext4\n- - - -\n"), IsEmpty());
}

}  // namespace
}  // namespace lathe::keeper
