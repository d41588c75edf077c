//! The answers to the protocol's requests.

use std::borrow::Cow;

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    CompletionInfo, DiscoverResult, GetPromptRequestParams, GetPromptResponse, Implementation,
    InitializeRequestParams, InitializeResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, Reference, ServerCapabilities, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::transport::streamable_http_server::session::SessionRestoreMarker;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::session::Client;
use super::{changes, reading, reporter, tool};

/// How long a client may keep what it was given, in milliseconds; changes are reported to those that listen.
const FRESH: u64 = 60_000;

/// What answers the requests of a client.
pub(super) struct Face(pub(super) Client);

impl ServerHandler for Face {
    fn get_info(&self) -> ServerConfig {
        let mut capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_completions()
            .build();
        // Deprecated from 2026-07-28 on, where a request says itself which records it wants.
        capabilities.logging = Some(serde_json::Map::new());
        let mut this = Implementation::new("skills-daemon", crate::VERSION);
        this.title = Some("Skills".to_owned());
        ServerConfig::new(capabilities).with_server_info(this)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        context.peer.set_peer_info(request.clone());
        let result = self.negotiate_initialize(&request)?;
        Ok(match self.0.whole_offer(&context.extensions).instructions() {
            Some(text) => result.with_instructions(text),
            None => result,
        })
    }

    async fn discover(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<DiscoverResult, ErrorData> {
        let mut config = self.get_info();
        config.instructions = self.0.whole_offer(&context.extensions).instructions();
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, config))
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let scope = self.0.scope(&context.extensions);
        let is_restored = context.extensions.get::<SessionRestoreMarker>().is_some();
        let (shared, session) = (self.0.shared.clone(), self.0.session.clone());
        tokio::spawn(changes::tell(shared, session, scope, context.peer, is_restored));
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.0.whole_offer(&context.extensions).tools.clone();
        Ok(ListToolsResult::with_all_items(tools)
            .with_ttl_ms(FRESH)
            .with_cache_scope(CacheScope::Private))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let offer = self.0.offer(&context.extensions);
        tool::call(&self.0, &offer, request, context).await
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resources = self.0.offer(&context.extensions).resources().0;
        Ok(ListResourcesResult::with_all_items(resources)
            .with_ttl_ms(FRESH)
            .with_cache_scope(CacheScope::Private))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let templates = self.0.offer(&context.extensions).resources().1;
        Ok(ListResourceTemplatesResult::with_all_items(templates)
            .with_ttl_ms(FRESH)
            .with_cache_scope(CacheScope::Private))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let offer = self.0.offer(&context.extensions);
        reading::resource(&self.0, &offer, request, context).await
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let prompts = self.0.offer(&context.extensions).prompts();
        Ok(ListPromptsResult::with_all_items(prompts)
            .with_ttl_ms(FRESH)
            .with_cache_scope(CacheScope::Private))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let offer = self.0.offer(&context.extensions);
        reading::prompt(&self.0, &offer, request, context).await
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let offer = self.0.offer(&context.extensions);
        let found = match &request.r#ref {
            Reference::Prompt(prompt) => offer.prompt(&prompt.name),
            Reference::Resource(resource) => offer.template(&resource.uri),
            _ => None,
        };
        let offered = found.ok_or_else(|| {
            ErrorData::invalid_params("there is no such prompt or resource template", None)
        })?;
        let argument = &request.argument;
        let mut values = offered.completions(&argument.name, &argument.value);
        let total = values.len();
        values.truncate(CompletionInfo::MAX_VALUES);
        let mut info = CompletionInfo::default();
        info.has_more = Some(values.len() < total);
        info.total = u32::try_from(total).ok();
        info.values = values;
        Ok(CompleteResult::new(info))
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0.session.set_level(reporter::number(request.level));
        Ok(())
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        match self.0.session.subscribe(request.uri) {
            true => Ok(()),
            false => Err(ErrorData::invalid_params("too many subscriptions", None)),
        }
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0.session.unsubscribe(&request.uri);
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        let scope = self.0.scope(&subscription.request_context().extensions);
        let Client { shared, session } = self.0.clone();
        changes::listen(shared, session.closing.clone(), scope, subscription).await;
        Ok(())
    }

    fn get_tool(&self, _: &str) -> Option<Tool> {
        // No argument is a header of its own.
        None
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [rmcp::model::ProtocolVersion]> {
        Cow::Borrowed(rmcp::model::ProtocolVersion::KNOWN_VERSIONS)
    }
}
