// "{local}-{domain}" in one name gave a@b-c.test and a-b@c.test the same Maildir.
#include "conf/text_checks.hpp"

#include <catch2/catch.hpp>

using postern::conf::maildir_template;

TEST_CASE("a template in which two mailboxes could share a folder is refused, others are not") {
    for (const char* told_apart : {"/var/mail/{domain}/{local}", "/{local}/{domain}", "/m/{local}@{domain}",
                                   "/m/x-{local}@{domain}.d/Maildir", "/m/{domain}/{local}@{domain}/",
                                   "/m-{domain}/x{local}y/{domain}"})
        CHECK(maildir_template(told_apart).has_value());
    for (const char* alike :
         {"/m/{local}-{domain}", "/m/{local}{domain}", "/m/{domain}@{local}", "/m/{local}@x{domain}",
          "/m/{local}@{domain}{local}", "/m/{domain}{local}@{domain}", "/m/{domain}/{local}.{domain}",
          "/{local}-{domain}/Maildir"})
        CHECK_FALSE(maildir_template(alike).has_value());
}
