//! Every documented error code of IoT Hub, and every name of one, has an article that names it.

use std::collections::BTreeSet;

use etiolog::Pack;
use etiolog::knowledge::{Article, Library};

/// Codes and names, one pair a line: the vendor's table (MicrosoftDocs/azure-docs, articles/iot-hub/
/// troubleshoot-error-codes.md @03e5750a), the C# service SDK's enumeration (Azure/azure-iot-sdk-csharp@6097889d,
/// ErrorCode.cs) for those that the table leaves out, and 404103, which the table misprints as 404102.
const CODES: &str = "
400000 GenericBadRequest
400001 InvalidProtocolVersion
400002 DeviceInvalidResultCount
400003 InvalidOperation
400004 ArgumentInvalid
400005 ArgumentNull
400006 IotHubFormatError
400007 DeviceStorageEntitySerializationError
400008 BlobContainerValidationError
400009 ImportWarningExistsError
400010 InvalidSchemaVersion
400011 DeviceDefinedMultipleTimes
400012 DeserializationError
400013 BulkRegistryOperationFailure
400014 DefaultStorageEndpointNotConfigured
400015 InvalidFileUploadCorrelationId
400016 ExpiredFileUploadCorrelationId
400017 InvalidStorageEndpoint
400018 InvalidMessagingEndpoint
400019 InvalidFileUploadCompletionStatus
400020 InvalidStorageEndpointOrBlob
400021 RequestCanceled
400022 InvalidStorageEndpointProperty
400023 EtagDoesNotMatch
400024 RequestTimedOut
400025 UnsupportedOperationOnReplica
400026 NullMessage
400027 ConnectionForcefullyClosedOnNewConnection
400028 InvalidDeviceScope
400029 ConnectionForcefullyClosedOnFaultInjection
400030 ConnectionRejectedOnFaultInjection
400031 InvalidEndpointAuthenticationType
400032 ManagedIdentityNotEnabled
400035 InvalidPolicyKey
400036 BulkRegenerateDeviceKeyOperationFailure
400100 InvalidRouteTestInput
400101 InvalidSourceOnRoute
400102 RoutingNotEnabled
400103 InvalidContentEncodingOrType
400301 CannotRegisterModuleToModule
400302 TenantHubRoutingNotEnabled
400401 InvalidConfigurationTargetCondition
400402 InvalidConfigurationContent
400403 CannotModifyImmutableConfigurationContent
400404 InvalidConfigurationCustomMetricsQuery
400501 InvalidPnPInterfaceDefinition
400502 InvalidPnPDesiredProperties
400503 InvalidPnPReportedProperties
400504 InvalidPnPWritableReportedProperties
400505 InvalidDigitalTwinJsonPatch
400506 InvalidDigitalTwinPayload
400507 InvalidDigitalTwinPatch
400508 InvalidDigitalTwinPatchPath
401000 GenericUnauthorized
401001 IotHubNotFound
401002 IotHubUnauthorizedAccess
401003 IoTHubUnauthorized
401004 ElasticPoolNotFound
401100 SystemModuleModifyUnauthorizedAccess
403000 GenericForbidden
403001 IotHubSuspended
403002 IotHubQuotaExceeded
403003 JobQuotaExceeded
403004 DeviceMaximumQueueDepthExceeded
403005 IotHubMaxCbsTokenExceeded
403006 DeviceMaximumActiveFileUploadLimitExceeded
403007 DeviceMaximumQueueSizeExceeded
403008 RoutingEndpointResponseForbidden
403009 InvalidMessageExpiryTime
403010 OperationNotAvailableInCurrentTier
403011 KeyEncryptionKeyRevoked
403012 DeviceDisabled
403800 DeviceMaximumInflightMethodExceeded
403100 DeviceModelMaxPropertiesExceeded
403101 DeviceModelMaxIndexablePropertiesExceeded
404000 GenericNotFound
404001 DeviceNotFound
404002 JobNotFound
404004 QuotaMetricNotFound
404005 SystemPropertyNotFound
404006 AmqpAddressNotFound
404007 RoutingEndpointResponseNotFound
404008 CertificateNotFound
404009 ElasticPoolTenantHubNotFound
404010 ModuleNotFound
404011 AzureTableStoreNotFound
404012 IotHubFailingOver
404013 FeatureNotSupported
404014 DigitalTwinInterfaceNotFound
404101 QueryStoreClusterNotFound
404102 DeviceNotOnline
404103 DeviceNotOnline
404104 DeviceConnectionClosedRemotely
404301 ConfigurationNotFound
404302 GroupNotFound
404401 DigitalTwinModelNotFound
404402 InterfaceNameModelNotFound
405000 GenericMethodNotAllowed
405102 OperationNotAllowedInCurrentState
405103 ImportDevicesNotSupported
405104 BulkAddDevicesNotSupported
409000 GenericConflict
409001 DeviceAlreadyExists
409002 LinkCreationConflict
409003 CallbackSubscriptionConflict
409101 ModelAlreadyExists
409102 DeviceLocked
409103 DeviceJobAlreadyExists
409104 JobAlreadyExists
409301 ModuleAlreadyExistsOnDevice
409401 ConfigurationAlreadyExists
409402 ApplyConfigurationAlreadyInProgressOnDevice
409501 DigitalTwinModelAlreadyExists
409502 DigitalTwinModelExistsWithOtherModelType
409503 InterfaceNameModelAlreadyExists
412000 GenericPreconditionFailed
412001 PreconditionFailed
412002 DeviceMessageLockLost
412003 JobRunPreconditionFailed
412004 InflightMessagesInLink
413000 GenericRequestEntityTooLarge
413001 MessageTooLarge
413002 TooManyDevices
413003 TooManyModulesOnDevice
413101 ConfigurationCountLimitExceeded
413201 DigitalTwinModelCountLimitExceeded
413202 InterfaceNameCompressionModelCountLimitExceeded
415000 GenericUnsupportedMediaType
415101 IncompatibleDataType
429000 GenericTooManyRequests
429001 ThrottlingException
429002 ThrottleBacklogLimitExceeded
429003 ThrottlingBacklogTimeout
429004 ThrottlingMaxActiveJobCountExceeded
429005 DeviceThrottlingLimitExceeded
499000 ClientClosedRequest
500001 ServerError
500002 JobCancelled
500008 GenericTimeout
500009 InvalidThrottleParameter
500301 ModelRepoEndpointError
500302 ResolutionError
500401 UnableToFetchCredentials
500402 UnableToFetchTenantInfo
500403 UnableToShareIdentity
500501 UnableToExpandDiscoveryInfo
500502 UnableToExpandComponentInfo
500503 UnableToCompressComponentInfo
500504 UnableToCompressDiscoveryInfo
500505 OrphanDiscoveryDocument
502000 GenericBadGateway
503000 GenericServiceUnavailable
503001 ServiceUnavailable
503003 PartitionNotFound
503004 IotHubActivationFailed
503005 ServerBusy
503006 IotHubRestoring
503008 ReceiveLinkOpensThrottled
503101 ConnectionUnavailable
503102 DeviceUnavailable
503201 ConfigurationNotAvailable
503202 GroupNotAvailable
503301 HostingServiceNotAvailable
504000 GenericGatewayTimeout
504101 GatewayTimeout
";

/// What the log writes where it has no code of six digits, and a misprint of one edition.
const BARE: &[&str] = &["401", "503", "500000", "5000001", "InternalServerError"];

fn library() -> Library {
    Pack::shipped("azure-iot-hub").unwrap().library().unwrap_or_else(|problems| panic!("{problems}"))
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    CODES.trim().lines().map(|line| line.split_once(' ').expect("a code and a name"))
}

/// All that an article says, its id and other names among it.
fn words(article: &Article) -> BTreeSet<String> {
    let mut text = format!("{} {}", article.id(), article.lead());
    for section in article.sections() {
        text.push(' ');
        text.push_str(&section.text);
    }
    let names = article.aliases().map(str::to_owned);
    text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).chain(names).collect()
}

/// Why a reader who asks for this would not be helped.
fn fault(library: &Library, asked: &str, expected: &[&str]) -> Option<String> {
    let Some(article) = library.resolve(asked) else { return Some(format!("{asked}: no article")) };
    let words = words(article);
    let missing: Vec<_> = expected.iter().filter(|word| !words.contains(**word)).collect();
    (!missing.is_empty()).then(|| format!("{asked}: {} does not say {missing:?}", article.id()))
}

#[test]
fn every_documented_code_leads_to_an_article_that_names_it() {
    let library = library();
    let faults: Vec<_> = pairs().filter_map(|(code, name)| fault(&library, code, &[code, name])).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(pairs().count(), 165);
}

#[test]
fn every_documented_name_leads_to_an_article_that_names_it() {
    let library = library();
    let faults: Vec<_> = pairs().filter_map(|(_, name)| fault(&library, name, &[name])).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn names_are_found_in_lower_case_too() {
    let library = library();
    let lost: Vec<_> = pairs().filter(|(_, name)| library.resolve(&name.to_lowercase()).is_none()).collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn what_a_log_writes_without_six_digits_is_found() {
    let library = library();
    let faults: Vec<_> = BARE.iter().filter_map(|word| fault(&library, word, &[word])).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_code_that_nobody_documented_finds_its_family_and_no_other_number_does() {
    let library = library();
    for (asked, family) in
        [("400099", "400xxx"), ("400199", "4001xx"), ("429077", "429xxx"), ("504222", "504xxx")]
    {
        assert_eq!(library.resolve(asked).map(Article::id), Some(family), "{asked}");
    }
    for asked in ["418000", "50012", "4290010", "NoSuchThing"] {
        assert!(library.resolve(asked).is_none(), "{asked}");
    }
}
