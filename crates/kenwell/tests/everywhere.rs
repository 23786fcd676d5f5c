//! The same behaviour wherever Redis is: one suite, run against every way to reach one, and against
//! every server that is promised to work.

mod behaviour;
mod plain;
mod several;
mod tls;

/// A test for each flavour and each way to reach it.
macro_rules! everywhere {
    ($($name:ident = $flavour:ident: $($place:path as $test:ident),+;)+) => {$(
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    $place(crate::support::flavour::Flavour::$flavour).await;
                }
            )+
        }
    )+};
}

// The Valkey and the Redis 6.2 that the tests bring are built without TLS; stunnel gives it to them.
// Redis 6.2 cannot choose the port of its cluster bus, so that its nodes might collide with others.
everywhere! {
    redis = Redis:
        crate::everywhere::plain::tcp as over_tcp,
        crate::everywhere::plain::socket as over_a_socket,
        crate::everywhere::plain::database as in_database_5,
        crate::everywhere::plain::password as with_a_password,
        crate::everywhere::plain::rotated as with_a_rotated_password,
        crate::everywhere::plain::least_rights as as_a_user_with_the_least_rights,
        crate::everywhere::tls::authority as over_tls_with_a_private_authority,
        crate::everywhere::tls::stunnel as through_stunnel_with_a_common_name,
        crate::everywhere::tls::both_sides as with_certificates_on_both_sides,
        crate::everywhere::tls::unverified as over_tls_without_verification,
        crate::everywhere::several::cluster as in_a_cluster,
        crate::everywhere::several::sentinels as behind_sentinels,
        crate::everywhere::several::sealed_sentinels as behind_sentinels_over_tls;
    valkey = Valkey:
        crate::everywhere::plain::tcp as over_tcp,
        crate::everywhere::plain::socket as over_a_socket,
        crate::everywhere::plain::database as in_database_5,
        crate::everywhere::plain::password as with_a_password,
        crate::everywhere::plain::rotated as with_a_rotated_password,
        crate::everywhere::plain::least_rights as as_a_user_with_the_least_rights,
        crate::everywhere::tls::stunnel as through_stunnel_with_a_common_name,
        crate::everywhere::several::cluster as in_a_cluster,
        crate::everywhere::several::sentinels as behind_sentinels;
    redis_6_2 = Redis62:
        crate::everywhere::plain::tcp as over_tcp,
        crate::everywhere::plain::socket as over_a_socket,
        crate::everywhere::plain::database as in_database_5,
        crate::everywhere::plain::password as with_a_password,
        crate::everywhere::plain::rotated as with_a_rotated_password,
        crate::everywhere::plain::least_rights as as_a_user_with_the_least_rights,
        crate::everywhere::tls::stunnel as through_stunnel_with_a_common_name,
        crate::everywhere::several::sentinels as behind_sentinels;
}
